package domain_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func TestAContextHasNoEnvelopeUntilItIsGivenOne(t *testing.T) {
	t.Parallel()
	e, ok := domain.EnvelopeFrom(t.Context())
	require.False(t, ok)
	require.Zero(t, e)
}

func TestAnEnvelopeTravelsInTheContext(t *testing.T) {
	t.Parallel()
	want := domain.Envelope{Actor: domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default", Projects: []string{"a"}}, RequestID: "r", IdempotencyKey: "k"}
	ctx := domain.WithEnvelope(t.Context(), want)
	child, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, c := range []context.Context{ctx, child, domain.MarkTx(ctx)} {
		got, ok := domain.EnvelopeFrom(c)
		require.True(t, ok)
		require.Equal(t, want, got)
	}

	other := domain.WithEnvelope(ctx, domain.Envelope{Actor: domain.Actor{ID: "bob"}})
	got, _ := domain.EnvelopeFrom(other)
	require.Equal(t, domain.Envelope{Actor: domain.Actor{ID: "bob"}}, got, "it replaces the earlier one")
	got, _ = domain.EnvelopeFrom(ctx)
	require.Equal(t, want, got, "and leaves it alone")
}

func TestAnEnvelopeIsACopy(t *testing.T) {
	t.Parallel()
	e := domain.Envelope{RequestID: "r"}
	ctx := domain.WithEnvelope(t.Context(), e)
	e.RequestID = "changed"
	got, _ := domain.EnvelopeFrom(ctx)
	got.RequestID = "changed too"
	got, _ = domain.EnvelopeFrom(ctx)
	require.Equal(t, "r", got.RequestID)
}

func TestWithActorKeepsTheRestOfTheEnvelope(t *testing.T) {
	t.Parallel()
	ctx := domain.WithEnvelope(t.Context(), domain.Envelope{Actor: domain.Actor{ID: "alice"}, RequestID: "r", IdempotencyKey: "k"})
	got, ok := domain.EnvelopeFrom(domain.WithActor(ctx, domain.Actor{ID: "bob"}))
	require.True(t, ok)
	require.Equal(t, domain.Envelope{Actor: domain.Actor{ID: "bob"}, RequestID: "r", IdempotencyKey: "k"}, got)
	got, ok = domain.EnvelopeFrom(domain.WithActor(t.Context(), domain.Actor{ID: "bob"}))
	require.True(t, ok)
	require.Equal(t, domain.Envelope{Actor: domain.Actor{ID: "bob"}}, got)
}

func TestInProject(t *testing.T) {
	t.Parallel()
	a := domain.Actor{Projects: []string{"a", "b"}}
	require.True(t, a.InProject("b"))
	require.False(t, a.InProject("c"))
	require.False(t, a.InProject(""))
	require.False(t, domain.Actor{}.InProject("a"))
}

func TestReachesAreOrderedAndNamed(t *testing.T) {
	t.Parallel()
	names := []string{"none", "own", "visible", "any"}
	for i, r := range []domain.Reach{domain.ReachNone, domain.ReachOwn, domain.ReachVisible, domain.ReachAny} {
		require.EqualValues(t, i, r)
		require.Equal(t, names[i], r.String())
		got, err := domain.ParseReach(names[i])
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
	require.Zero(t, domain.ReachNone, "the zero grant grants nothing")
	require.Equal(t, "reach(9)", domain.Reach(9).String())
}

func TestAReachIsWrittenByItsName(t *testing.T) {
	t.Parallel()
	want := domain.Grant{Reach: domain.ReachVisible, Rule: "p, user, image.get, visible"}
	b, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"reach":"visible","rule":"p, user, image.get, visible"}`, string(b))
	var got domain.Grant
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, want, got)

	for _, text := range []string{"", "ANY", "all", "any ", "\x1b"} {
		got.Reach = domain.ReachAny
		require.Error(t, got.Reach.UnmarshalText([]byte(text)))
		require.Equal(t, domain.ReachNone, got.Reach, "what cannot be read grants nothing")
		_, err := domain.ParseReach(text)
		requireInvalid(t, err, "reach_invalid")
	}
	require.Error(t, json.Unmarshal([]byte(`{"reach":3}`), &got))
}

func TestATransactionIsMarkedInItsContext(t *testing.T) {
	t.Parallel()
	require.False(t, domain.InTx(t.Context()))
	require.NoError(t, domain.RefuseInTx(t.Context(), "op"))
	ctx, cancel := context.WithCancel(domain.MarkTx(t.Context()))
	defer cancel()
	require.True(t, domain.InTx(ctx))
	err := domain.RefuseInTx(ctx, "registry.tags")
	require.ErrorIs(t, err, domain.ErrInternal)
	require.Equal(t, "inside_transaction", domain.ReasonOf(err))
	require.Contains(t, err.Error(), "registry.tags")
}

func TestProgressIsSilentUnlessSomebodyListens(t *testing.T) {
	t.Parallel()
	domain.ProgressFrom(t.Context()).Report(1, 2, "nobody")
	var got []domain.ProgressStep
	ctx := domain.WithProgress(t.Context(), func(s domain.ProgressStep) { got = append(got, s) })
	domain.ProgressFrom(ctx).Report(1, 2, "pulled")
	require.Equal(t, []domain.ProgressStep{{Current: 1, Total: 2, Message: "pulled"}}, got)
}
