package repositorytest

import (
	"testing"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// busy is how long a claim of the suite blocks its key.
const busy = 10 * time.Minute

var idempotency = []sentence{
	{"a key is claimed once, and then gives the settled result", claimAndSettle},
	{"a key that was used for another request is refused", claimOfAnotherRequest},
	{"a key whose call is under way is busy, until it has been too long", claimIsBusy},
	{"a call that settles after its claim was taken over changes nothing", lateSettle},
	{"a claim that is given back can be taken again", claimGivenBack},
	{"keys of other actors and actions are other keys", claimsAreApart},
	{"of many that claim one key at once exactly one gets it", claimsRace},
	{"of many that take over a claim that was too long exactly one gets it", takeoversRace},
	{"results come back to the byte", resultsComeBack},
}

func newClaim() repository.IdempotencyClaim {
	return repository.IdempotencyClaim{Actor: "alice", Action: "image.forget", Key: "k1", Hash: "h1", Now: Now}
}

// wantClaim claims and compares: with an error's reason, with a result, or
// with the claim itself when both are empty.
func wantClaim(t *testing.T, st repository.Store, what string, c repository.IdempotencyClaim, reason, result string) {
	t.Helper()
	got, done, err := st.Claim(t.Context(), c, busy)
	if reason != "" {
		wantError(t, what, err, domain.CodeConflict, reason)
	} else if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if string(got) != result || done != (result != "") {
		t.Errorf("%s: %q, done %t; want %q", what, got, done, result)
	}
}

func settle(t *testing.T, st repository.Store, c repository.IdempotencyClaim, result []byte) {
	t.Helper()
	if err := st.Settle(t.Context(), c, result); err != nil {
		t.Fatal(err)
	}
}

func claimAndSettle(t *testing.T, st repository.Store) {
	c := newClaim()
	wantClaim(t, st, "the first", c, "", "")
	settle(t, st, c, []byte(`{"n":1}`))
	for range 2 {
		wantClaim(t, st, "the settled", c, "", `{"n":1}`)
	}
	c.Now = Now.Add(24 * time.Hour)
	wantClaim(t, st, "a day later", c, "", `{"n":1}`)
}

func claimOfAnotherRequest(t *testing.T, st repository.Store) {
	c := newClaim()
	other := c
	other.Hash = "h2"
	wantClaim(t, st, "the first", c, "", "")
	_, _, err := st.Claim(t.Context(), other, busy) // mismatch and busy are both true
	wantError(t, "another request under way", err, domain.CodeConflict, "")
	settle(t, st, c, []byte("{}"))
	wantClaim(t, st, "another request", other, "idempotency_mismatch", "")
	other.Now = Now.Add(busy + time.Hour)
	wantClaim(t, st, "another request, later", other, "idempotency_mismatch", "")
	wantClaim(t, st, "the first again", c, "", "{}")
}

func claimIsBusy(t *testing.T, st repository.Store) {
	c := newClaim()
	wantClaim(t, st, "the first", c, "", "")
	for _, after := range []time.Duration{0, time.Second, busy - time.Microsecond} {
		c.Now = Now.Add(after)
		wantClaim(t, st, "after "+after.String(), c, "idempotency_busy", "")
	}
	c.Now = Now.Add(busy)
	wantClaim(t, st, "after all of it", c, "", "")
	wantClaim(t, st, "at once again", c, "idempotency_busy", "")
	settle(t, st, c, []byte("{}"))
	wantClaim(t, st, "settled", c, "", "{}")
}

func lateSettle(t *testing.T, st repository.Store) {
	first, second := newClaim(), newClaim()
	second.Now = Now.Add(busy)
	wantClaim(t, st, "the first", first, "", "")
	wantClaim(t, st, "the second", second, "", "")
	if err := st.Settle(t.Context(), first, nil); err != nil { // it may say so or not
		t.Logf("giving a lost claim back: %v", err)
	}
	third := second
	third.Now = second.Now.Add(time.Second)
	wantClaim(t, st, "after the first gave it back", third, "idempotency_busy", "")
	if err := st.Settle(t.Context(), first, []byte(`"first"`)); err != nil {
		t.Logf("settling a lost claim: %v", err)
	}
	wantClaim(t, st, "after the first settled", third, "idempotency_busy", "")
	settle(t, st, second, []byte(`"second"`))
	wantClaim(t, st, "after the second settled", third, "", `"second"`)
}

func claimGivenBack(t *testing.T, st repository.Store) {
	c := newClaim()
	for range 2 {
		wantClaim(t, st, "the claim", c, "", "")
		settle(t, st, c, nil)
	}
	c.Hash = "h2" // nothing was done, so that anything can be
	wantClaim(t, st, "another request", c, "", "")
	settle(t, st, c, []byte("{}"))
	settle(t, st, c, nil) // a result is not given back
	wantClaim(t, st, "settled", c, "", "{}")
}

func claimsAreApart(t *testing.T, st repository.Store) {
	first := newClaim()
	others := []repository.IdempotencyClaim{first, first, first, first, first}
	others[0].Actor = "bob"
	others[1].Action = "image.purge"
	others[2].Key = "K1"
	others[3].Key = "it's 100%_\\"
	others[4].Actor, others[4].Action = "image.forget", "alice"
	wantClaim(t, st, "the first", first, "", "")
	settle(t, st, first, []byte("1"))
	for _, c := range others {
		wantClaim(t, st, show(c), c, "", "")
		settle(t, st, c, nil)
	}
	wantClaim(t, st, "the first again", first, "", "1")
}

// claimAtOnce claims from many sides and counts who gets it.
func claimAtOnce(t *testing.T, st repository.Store, c repository.IdempotencyClaim) {
	t.Helper()
	won := 0
	for _, err := range atOnce(6, func(int) error {
		_, done, err := st.Claim(t.Context(), c, busy)
		if done {
			t.Errorf("a claim that nobody settled is done")
		}
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		wantError(t, "the loser", err, domain.CodeConflict, "idempotency_busy")
	}
	if won != 1 {
		t.Errorf("%s was claimed %d times", show(c), won)
	}
}

func claimsRace(t *testing.T, st repository.Store) {
	for _, key := range []string{"a", "b", "c", "d"} {
		c := newClaim()
		c.Key = key
		claimAtOnce(t, st, c)
	}
}

func takeoversRace(t *testing.T, st repository.Store) {
	c := newClaim()
	wantClaim(t, st, "the first", c, "", "")
	for range 4 {
		c.Now = c.Now.Add(busy)
		claimAtOnce(t, st, c)
	}
}

func resultsComeBack(t *testing.T, st repository.Store) {
	for _, result := range []string{`{"z":1,  "a":[2,null],"t":"it's \\ % é 漢 \u0000"}`, `null`, `""`, `0`, noise(200_000)} {
		c := newClaim()
		c.Key = string(digestOf(result))
		wantClaim(t, st, "the claim", c, "", "")
		settle(t, st, c, []byte(result))
		wantClaim(t, st, "the settled", c, "", result)
	}
}
