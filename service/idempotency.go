package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	body, err := json.Marshal(c.Action)
	if err != nil {
		return zero, domain.Internal("idempotency", err)
	}
	hash := sha256.Sum256(body)
	claim := repository.IdempotencyClaim{
		Actor: c.Actor.ID, Action: c.Spec.Name, Key: c.idempotencyKey, Hash: hex.EncodeToString(hash[:]), Now: c.Start,
	}
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
	if result, err = json.Marshal(res); err != nil {
		return zero, domain.Internal("idempotency", err)
	}
	return res, nil
}
