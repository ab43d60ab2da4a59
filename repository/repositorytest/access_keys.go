package repositorytest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var apiKeys = []sentence{
	{"a key comes back as it was stored, and its hash to who authenticates", keysComeBack},
	{"an actor sees, makes and revokes its own keys only", keysOfOthers},
	{"a key is revoked once, by one of many, and for good", keysAreRevoked},
	{"uses within a minute are noted once, and never back", keyUses},
	{"keys are listed page by page", keysListed},
}

func apiKey(user domain.UserID) domain.APIKey {
	return domain.APIKey{
		ID: domain.NewID[domain.KeyID](), Name: "ci", ExpiresAt: Now.Add(time.Hour),
		Actor: domain.Actor{ID: user, Role: domain.RoleUser, Domain: "default", Projects: []string{"ml"}, Scopes: []string{"image.*"}},
	}
}

func tryKeys(t *testing.T, db repository.Scoped, fn func(ctx context.Context, keys repository.KeyRepository) error) error {
	t.Helper()
	return inTx(t, db, func(ctx context.Context, tx repository.View) error { return fn(ctx, tx.Keys) })
}

func addKey(t *testing.T, st repository.Store, k domain.APIKey) (made domain.APIKey) {
	t.Helper()
	err := tryKeys(t, whole(st), func(ctx context.Context, keys repository.KeyRepository) (err error) {
		made, err = keys.Create(ctx, k, "hash of "+string(k.ID))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func revoke(t *testing.T, db repository.Scoped, id domain.KeyID) (k domain.APIKey, changed bool, err error) {
	t.Helper()
	err = tryKeys(t, db, func(ctx context.Context, keys repository.KeyRepository) (err error) {
		k, changed, err = keys.Revoke(ctx, id)
		return err
	})
	return k, changed, err
}

func foundKey(t *testing.T, st repository.Store, id domain.KeyID) domain.APIKey {
	t.Helper()
	k, hash, err := st.FindKey(t.Context(), id)
	if err != nil || hash != "hash of "+string(id) {
		t.Fatalf("%q, %v", hash, err)
	}
	return k
}

func keysComeBack(t *testing.T, st repository.Store) {
	k := apiKey("alice")
	k.Name, k.Actor.Projects = `c'i"é`, []string{"ml", "w'eb"}
	made := addKey(t, st, k)
	k.CreatedBy, k.CreatedAt = admin.ID, Now
	wantSame(t, "what Create returns", made, k)
	wantSame(t, "what is found", foundKey(t, st, k.ID), k)
	list, _, err := whole(st).Read().Keys.List(t.Context(), domain.Filter{}, page)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "what is listed", list, []domain.APIKey{k})
	_, _, err = st.FindKey(t.Context(), domain.NewID[domain.KeyID]())
	wantError(t, "an unknown key", err, domain.CodeNotFound, "key_not_found")
}

func keysOfOthers(t *testing.T, st repository.Store) {
	mine, theirs := addKey(t, st, apiKey("alice")), addKey(t, st, apiKey("bob"))
	for _, reach := range narrow {
		db := as(st, reach, alice)
		list, info, err := db.Read().Keys.List(t.Context(), domain.Filter{}, domain.Page{Count: true})
		if err != nil || *info.Total != len(list) || len(list) == 0 || list[0].ID != mine.ID {
			t.Errorf("alice sees %+v, %v", list, err)
		}
		for _, k := range list {
			if k.Actor.ID != "alice" {
				t.Errorf("alice sees the key of %s", k.Actor.ID)
			}
		}
		_, changed, err := revoke(t, db, theirs.ID)
		wantError(t, "revoking bob's", err, domain.CodeNotFound, "key_not_found")
		if changed || !foundKey(t, st, theirs.ID).RevokedAt.IsZero() {
			t.Error("bob's key was revoked")
		}
		err = tryKeys(t, db, func(ctx context.Context, keys repository.KeyRepository) error {
			return second(keys.Create(ctx, apiKey("bob"), "h"))
		})
		wantError(t, "making one for bob", err, domain.CodeForbidden, "reach_too_small")
		if err = tryKeys(t, db, func(ctx context.Context, keys repository.KeyRepository) error {
			k, err := keys.Create(ctx, apiKey("alice"), "h")
			if err == nil {
				_, _, err = keys.Revoke(ctx, k.ID)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

func keysAreRevoked(t *testing.T, st repository.Store) {
	k := addKey(t, st, apiKey("alice"))
	var wg sync.WaitGroup
	var mu sync.Mutex
	did := 0
	for range 8 {
		wg.Go(func() {
			got, changed, err := revoke(t, as(st, domain.ReachOwn, alice), k.ID)
			if err != nil || !got.RevokedAt.Equal(Now) {
				t.Errorf("%+v, %v", got, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if changed {
				did++
			}
		})
	}
	wg.Wait()
	if did != 1 {
		t.Errorf("revoked %d times", did)
	}
	k.RevokedAt = Now
	wantSame(t, "the key", foundKey(t, st, k.ID), k)
	err := inTx(t, rootAt(st, Now.Add(time.Hour)), func(ctx context.Context, tx repository.AdminView) error {
		_, changed, err := tx.Keys.Revoke(ctx, k.ID)
		if changed {
			t.Error("revoked again")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	wantSame(t, "the key, later", foundKey(t, st, k.ID), k)
	_, _, err = revoke(t, whole(st), domain.NewID[domain.KeyID]())
	wantError(t, "an unknown key", err, domain.CodeNotFound, "key_not_found")
}

func keyUses(t *testing.T, st repository.Store) {
	k, other := addKey(t, st, apiKey("alice")), addKey(t, st, apiKey("alice"))
	for _, step := range []struct{ at, want time.Duration }{
		{0, 0}, {time.Second, 0}, {time.Minute - time.Microsecond, 0}, {time.Minute, time.Minute}, {0, time.Minute}, {time.Hour, time.Hour},
	} {
		if err := st.KeyUsed(t.Context(), k.ID, Now.Add(step.at)); err != nil {
			t.Fatal(err)
		}
		if got := foundKey(t, st, k.ID).LastUsedAt; !got.Equal(Now.Add(step.want)) {
			t.Errorf("used %s later: noted %s, want %s later", step.at, got, step.want)
		}
	}
	if !foundKey(t, st, other.ID).LastUsedAt.IsZero() {
		t.Error("another key was used")
	}
	if err := st.KeyUsed(t.Context(), domain.NewID[domain.KeyID](), Now); err != nil {
		t.Errorf("an unknown key: %v", err)
	}
}

func keysListed(t *testing.T, st repository.Store) {
	var all []domain.KeyID
	for i, name := range []string{"a", "b", "b", "c", "d"} {
		k := apiKey("alice")
		k.Name, k.ExpiresAt = name, Now.Add(time.Duration(i)*time.Hour)
		all = append(all, addKey(t, st, k).ID)
	}
	for _, sort := range []string{"created_at", "name", "expires_at", "last_used_at"} {
		var got []domain.KeyID
		for p := (domain.Page{Limit: 2, Sort: sort}); ; {
			list, info, err := whole(st).Read().Keys.List(t.Context(), domain.Filter{}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range list {
				got = append(got, k.ID)
			}
			if p.After = info.Next; p.After == "" {
				break
			}
		}
		wantSame(t, "by "+sort, got, all)
	}
	late, _, err := whole(st).Read().Keys.List(t.Context(), domain.AllOf(
		domain.Where("user", domain.Eq, "alice"), domain.Where("name", domain.Eq, "b"), domain.Where("expires_at", domain.Gt, Now.Add(90*time.Minute).Format(time.RFC3339)),
	), page)
	if err != nil || len(late) != 1 || late[0].ID != all[2] {
		t.Errorf("%+v, %v", late, err)
	}
}
