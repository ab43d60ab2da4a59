package service

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// keyNoted is how old the last noted use of a key is before another is noted.
const keyNoted = time.Minute

// CreateKey makes an API key and tells its secret, once. Errors: invalid for
// unknown scopes, reserved roles and times, forbidden for the key of another
// user without a grant over everything, and for scopes beyond the caller's own.
func (s *AccessService) CreateKey(ctx context.Context, a actions.CreateKeyAction) (actions.CreateKeyResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.CreateKeyResult, error) {
		return s.createKey(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

// ListKeys returns a page of keys: the caller's, or all.
func (s *AccessService) ListKeys(ctx context.Context, a actions.ListKeysAction) (actions.ListKeysResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.ListKeysAction) (res actions.ListKeysResult, err error) {
		res.Keys, res.PageInfo, err = db.Read().Keys.List(ctx, a.Where, a.Page)
		return res, err
	})
}

// RevokeKey ends a key at once and for good. Errors: not_found.
func (s *AccessService) RevokeKey(ctx context.Context, a actions.RevokeKeyAction) (actions.RevokeKeyResult, error) {
	return scoped(ctx, s.door, a, func(ctx context.Context, db repository.Scoped, a actions.RevokeKeyAction) (res actions.RevokeKeyResult, err error) {
		err = db.InTx(ctx, func(ctx context.Context, tx repository.View) (err error) {
			res.Key, res.Changed, err = tx.Keys.Revoke(ctx, a.KeyID)
			return err
		})
		return res, err
	})
}

func (s *AccessService) createKey(ctx context.Context, db repository.Scoped, who caller, a actions.CreateKeyAction) (res actions.CreateKeyResult, err error) {
	key := domain.APIKey{ID: domain.NewID[domain.KeyID](), Name: a.Name}
	if key.Actor, err = keyActor(who, a); err != nil {
		return res, err
	}
	if err := domain.CheckPatterns(a.Scopes, Permissions()); err != nil {
		return res, err
	}
	if key.ExpiresAt, err = s.expiry(who, a.ExpiresAt); err != nil {
		return res, err
	}
	secret := domain.NewKeySecret(key.ID)
	err = db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		if a.User != "" {
			rows, err := tx.Access.Rows(ctx)
			if err != nil {
				return err
			}
			if err := s.mayLend(rows, who, key.Actor); err != nil {
				return err
			}
		}
		res.Key, err = tx.Keys.Create(ctx, key, domain.HashKeySecret(secret))
		return err
	})
	if err == nil {
		res.Secret = domain.ToldSecret(secret.Reveal())
	}
	return res, err
}

func (s *AccessService) expiry(who caller, at time.Time) (time.Time, error) {
	now := s.now()
	switch {
	case at.IsZero():
		return now.Add(domain.DefaultKeyLife), nil
	case !at.After(now):
		return at, domain.Invalid("expiry_invalid", "expires_at", "a key expires in the future")
	case !who.everywhere && at.After(now.Add(domain.MaxKeyLife)):
		return at, domain.Invalid("expiry_invalid", "expires_at", "a key lives for a year at most")
	}
	return at, nil
}

// keyActor is who a key acts as. Its scopes lie within those of the key that it
// is made with: pattern by pattern, so that they stay there when there are new
// permissions.
func keyActor(who caller, a actions.CreateKeyAction) (domain.Actor, error) {
	actor, scopes := who.actor, a.Scopes
	if a.User != "" {
		if !who.everywhere {
			return actor, domain.Errorf(domain.CodeForbidden, "reach_too_small", string(a.User), "only a grant over everything makes keys for others")
		}
		actor = domain.Actor{ID: a.User, Role: a.Role, Domain: a.Domain, Projects: a.Projects}
	}
	if len(scopes) == 0 {
		scopes = who.actor.Scopes
	}
	for _, s := range scopes {
		if !who.actor.InScope(s) {
			return actor, domain.Errorf(domain.CodeForbidden, "scope_too_small", s, "the scopes of your key leave out %s, so those of a key that it makes do too", domain.Quote(s))
		}
	}
	actor.Scopes = slices.Clone(scopes)
	return actor, nil
}

// mayLend refuses a key for somebody else that could ever do more than the
// caller can now: whatever the user may do later, the scopes are within what the
// caller may do with everybody's rows.
func (s *AccessService) mayLend(rows domain.PolicyRows, who caller, as domain.Actor) error {
	g, err := s.guard(rows, who)
	if err != nil {
		return err
	}
	if g.policy.Reserved(as.Role) {
		return reserved(as.Role)
	}
	for _, p := range Permissions() {
		if as.InScope(p) && g.common[p].Reach != domain.ReachAny {
			return domain.Errorf(domain.CodeForbidden, "grant_not_held", p, "a key for somebody else is limited to what you may do with everything; %s is not: name the scopes that are", p)
		}
	}
	return nil
}

// AuthenticateKey returns the actor of an API key, for transports and embedders
// that put it into the envelope of a call. It reads the store at every call, so
// that a revoked key ends at once. Errors: unauthenticated, reason key_refused,
// whatever is wrong with the key; unavailable, canceled, timeout.
func AuthenticateKey(ctx context.Context, svc *ImageService, secret domain.Secret) (domain.Actor, error) {
	s := svc.AccessService
	// One answer for all: who tries keys learns nothing of those that exist.
	refused := domain.Errorf(domain.CodeUnauthenticated, "key_refused", "", "the API key is not valid")
	id, err := domain.ParseKeySecret(secret)
	if err != nil {
		return domain.Actor{}, refused
	}
	key, hash, err := s.door.store.FindKey(ctx, id)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return domain.Actor{}, refused
	}
	if err != nil {
		return domain.Actor{}, domain.Wrap("AuthenticateKey", err)
	}
	now := s.now()
	same := subtle.ConstantTimeCompare([]byte(hash), []byte(domain.HashKeySecret(secret))) == 1
	if !same || !key.Usable(now) {
		return domain.Actor{}, refused
	}
	if now.Sub(key.LastUsedAt) >= keyNoted {
		s.noteUse(ctx, id, now)
	}
	return key.Actor, nil
}

// noteUse is for people who look for forgotten keys; a call does not fail, and
// hardly waits, for it.
func (s *AccessService) noteUse(ctx context.Context, id domain.KeyID, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.door.store.KeyUsed(ctx, id, now); err != nil {
		s.log.WarnContext(ctx, "the use of a key cannot be noted", "key", id, "err", err)
	}
}
