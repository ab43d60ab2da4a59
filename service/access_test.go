package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

func TestTheTrailTellsWhoDidWhatToWhichThings(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	_, err := f.ForgetImage(f.as, actions.ForgetImageAction{Reference: f.alices.Canonical()})
	require.NoError(t, err)
	_, err = f.ForgetImage(f.as, actions.ForgetImageAction{Reference: f.common.Canonical()})
	fleetError(t, err, domain.CodeForbidden, "image_out_of_reach")
	_, err = f.ScanImage(f.as, actions.ScanImageAction{Reference: f.common.Canonical()})
	fleetError(t, err, domain.CodeForbidden, "permission_missing")

	entries := f.audit("image.forget")
	require.Len(t, entries, 2)
	done, denied := entries[0], entries[1]
	require.Equal(t, domain.AuditOK, done.Status)
	require.Equal(t, []string{string(f.alices.ID)}, done.Target)
	require.Equal(t, domain.UserID("alice"), done.Actor)
	require.Equal(t, "default", done.Domain)
	require.Contains(t, done.Rule, "image.forget")
	require.JSONEq(t, `{"reference": "`+f.alices.Canonical()+`"}`, string(done.Params))
	require.Equal(t, domain.AuditDenied, denied.Status)
	require.Empty(t, denied.Target)
	require.Equal(t, domain.AuditDenied, f.audit("image.scan")[len(f.audit("image.scan"))-1].Status)

	by, err := f.SearchAudit(f.root, actions.SearchAuditAction{Where: domain.AllOf(
		domain.Where("target", domain.Eq, string(f.alices.ID)), domain.Where("actor", domain.Eq, "alice"),
	)})
	require.NoError(t, err)
	require.Len(t, by.Entries, 1)
}

func TestTheTrailIsRead(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	for range 3 {
		_, err := f.ForgetImageByID(f.root, actions.ForgetImageByIDAction{ImageID: img.ID})
		require.NoError(t, err)
		_, err = f.RestoreImage(f.root, actions.RestoreImageAction{Reference: string(img.ID)})
		require.NoError(t, err)
	}
	var got []domain.AuditEntry
	p := domain.Page{Limit: 2, Sort: "at", Desc: true, Count: true}
	for {
		res, err := f.SearchAudit(f.root, actions.SearchAuditAction{Where: domain.Where("target", domain.Eq, string(img.ID)), Page: p})
		require.NoError(t, err)
		require.Equal(t, 6, *res.Total)
		got = append(got, res.Entries...)
		if p.After = res.Next; p.After == "" {
			break
		}
	}
	require.Len(t, got, 6)
	seen := map[domain.AuditID]bool{}
	for i, e := range got {
		require.False(t, seen[e.ID])
		seen[e.ID] = true
		if i > 0 {
			require.False(t, e.At.After(got[i-1].At), "the newest first")
		}
		require.Equal(t, 1, e.Count)
	}
	none, err := f.SearchAudit(f.root, actions.SearchAuditAction{Where: domain.Where("at", domain.Gt, time.Now().Add(time.Hour).Format(time.RFC3339))})
	require.NoError(t, err)
	require.Empty(t, none.Entries)
}

func TestAccessIsExplained(t *testing.T) {
	t.Parallel()
	f := newFleetTenants(t)
	mine, err := f.Explain(f.as, actions.ExplainAction{Permission: "image.forget"})
	require.NoError(t, err)
	require.Equal(t, domain.ReachOwn, mine.Decision.Grant.Reach)
	require.Equal(t, domain.RoleUser, mine.Decision.Role)
	require.Equal(t, domain.UserID("alice"), mine.Decision.Actor.ID)
	refused, err := f.Explain(f.as, actions.ExplainAction{Permission: "image.modify"})
	require.NoError(t, err)
	require.Equal(t, domain.ReachNone, refused.Decision.Grant.Reach)
	require.NotEmpty(t, refused.Decision.Missing, "what would allow it")

	_, err = f.Explain(f.as, actions.ExplainAction{Permission: "image.forget", Actor: &fleetBob})
	fleetError(t, err, domain.CodeForbidden, "reach_too_small")
	others, err := f.Explain(f.root, actions.ExplainAction{Permission: "image.forget", Actor: &fleetBob})
	require.NoError(t, err)
	require.Equal(t, domain.UserID("bob"), others.Decision.Actor.ID)
	_, err = f.Explain(f.root, actions.ExplainAction{Permission: "image.fly"})
	fleetError(t, err, domain.CodeInvalid, "permission_unknown")
	_, err = f.again().Explain(f.root, actions.ExplainAction{Permission: "image.get"})
	fleetError(t, err, domain.CodePrecondition, "explain_unavailable") // not every authorizer can
}
