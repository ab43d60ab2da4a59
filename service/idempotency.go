package service

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// A claim whose call was cut off blocks its key for this long.
const idempotencyBusy = 10 * time.Minute

// once runs h unless an earlier call with the same key did: then its result is
// given again. A call that fails gives its key back, so that it can be tried
// again.
func once[R any](ctx context.Context, d *door, c *Call, h func(context.Context, *Call) (R, error)) (R, error) {
	var zero, res R
	hash, err := hashOf(c)
	if err != nil {
		return zero, domain.Internal("idempotency", err)
	}
	claim := repository.IdempotencyClaim{Actor: c.Actor.ID, Action: c.Spec.Name, Key: c.idempotencyKey, Hash: hash, Now: c.Start}
	stored, done, err := d.store.Claim(ctx, claim, idempotencyBusy)
	if err != nil {
		return zero, err
	}
	if done {
		if err := json.Unmarshal(stored, &res); err != nil {
			return zero, domain.Internal("idempotency", err)
		}
		return res, nil
	}

	var result []byte
	defer func() { // also on a panic: the key must not stay taken
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		_ = d.store.Settle(ctx, claim, result)
	}()
	if res, err = h(ctx, c); err != nil {
		return zero, err
	}
	if result, err = json.Marshal(kept(res)); err != nil {
		return zero, domain.Internal("idempotency", err)
	}
	return res, nil
}

// kept is a result as it may be stored: without what is told only once.
func kept(res any) any {
	if told, ok := res.(interface{ Kept() any }); ok {
		return told.Kept()
	}
	return res
}

// hashOf tells one request from another. Secrets, which JSON hides, count as
// well; their part is slow to compute, since the hash is stored and passwords
// can be guessed.
func hashOf(c *Call) (string, error) {
	body, err := json.Marshal(c.Action)
	if err != nil {
		return "", err
	}
	if secrets := secretsIn(reflect.ValueOf(c.Action)); secrets != "" {
		salt := string(c.Actor.ID) + "/" + c.Spec.Name + "/" + c.idempotencyKey
		slow, err := pbkdf2.Key(sha256.New, secrets, []byte(salt), 200_000, sha256.Size)
		if err != nil {
			return "", err
		}
		body = append(body, slow...)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]), nil
}

// secretsIn collects the secrets of an action, wherever they are.
func secretsIn(v reflect.Value) string {
	if v.IsValid() && v.Type() == reflect.TypeFor[domain.Secret]() {
		if v.String() == "" {
			return ""
		}
		return v.String() + "\x00"
	}
	var all string
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			all += secretsIn(v.Field(i))
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			all = secretsIn(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			all += secretsIn(v.Index(i))
		}
	}
	return all
}
