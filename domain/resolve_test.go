package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestNewLookupSaysWhatANameCouldMean(t *testing.T) {
	t.Parallel()
	parser := domain.ReferenceParser{}
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	for name, want := range map[string]domain.Lookup{
		id:                              {ID: id},
		" " + id + " ":                  {ID: id},
		"python":                        {Canonical: "docker.io/library/python:latest", Alias: "python"},
		"cr.example.org/stable/py:3.12": {Canonical: "cr.example.org/stable/py:3.12", Alias: "cr.example.org/stable/py:3.12"},
		"cr.example.org/py@" + sha256Text: {
			Repository: "cr.example.org/py", Digest: domain.Digest(sha256Text), Alias: "cr.example.org/py@" + sha256Text,
		},
		"파이썬":    {Alias: "파이썬"}, // no reference, but a name
		"UPPER?": {Alias: "UPPER?"},
	} {
		got, err := domain.NewLookup(parser, name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"", "  ", "a b", "\x1b[2J", "01890A5D-AC96-774B-BCCE-B302099A8057 x"} {
		l, err := domain.NewLookup(parser, name)
		require.ErrorIs(t, err, domain.ErrInvalid, "%q", name)
		require.Zero(t, l)
	}
}

func candidate(arch string, status domain.ImageStatus, via domain.Via, reach bool) domain.Candidate {
	return domain.Candidate{
		Image: domain.Image{ID: domain.ImageID(arch), Registry: "cr.example.org", Name: "py", Tag: "3", Architecture: arch, Status: status}, Via: via, InReach: reach,
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	const alive, forgotten, missing = domain.ImageAlive, domain.ImageForgotten, domain.ImageMissing
	x86, arm := candidate("x86_64", alive, domain.ViaCanonical, true), candidate("aarch64", alive, domain.ViaCanonical, true)
	alias := candidate("riscv64", alive, domain.ViaAlias, true)
	hidden := candidate("x86_64", alive, domain.ViaCanonical, false)
	dead, gone := candidate("x86_64", forgotten, domain.ViaCanonical, true), candidate("x86_64", missing, domain.ViaCanonical, true)
	both := []domain.Candidate{arm, x86}
	for _, c := range []struct {
		name   string
		pick   domain.Resolution
		found  []domain.Candidate
		want   string
		code   domain.Code
		reason string
	}{
		{"none is not found", domain.Resolution{}, nil, "", domain.CodeNotFound, "image_not_found"},
		{"the only one", domain.Resolution{}, []domain.Candidate{x86}, "x86_64", "", ""},
		{"only the alive count unless asked", domain.Resolution{}, []domain.Candidate{dead}, "", domain.CodeNotFound, "image_not_found"},
		{"a forgotten one when asked", domain.Resolution{Statuses: []domain.ImageStatus{forgotten}}, []domain.Candidate{dead}, "x86_64", "", ""},
		{"a missing one when asked", domain.Resolution{Statuses: domain.ImageStatuses()}, []domain.Candidate{gone}, "x86_64", "", ""},
		{"the architecture asked for", domain.Resolution{Architecture: "aarch64"}, both, "aarch64", "", ""},
		{"an architecture that is not there", domain.Resolution{Architecture: "s390x"}, both, "", domain.CodeNotFound, "image_not_found"},
		{"an architecture narrows also a read", domain.Resolution{Architecture: "aarch64", Default: "x86_64"}, both, "aarch64", "", ""},
		{"a write needs one of several", domain.Resolution{}, both, "", domain.CodeInvalid, "architecture_ambiguous"},
		{"a read takes the default", domain.Resolution{Default: "x86_64"}, both, "x86_64", "", ""},
		{"a read without the default takes the first", domain.Resolution{Default: "s390x"}, both, "aarch64", "", ""},
		{"a read takes the only one, whatever the default", domain.Resolution{Default: "s390x"}, []domain.Candidate{x86}, "x86_64", "", ""},
		{"a name wins over an alias", domain.Resolution{}, []domain.Candidate{alias, x86}, "x86_64", "", ""},
		{"a name that is dead does not turn into an alias", domain.Resolution{}, []domain.Candidate{alias, dead}, "", domain.CodeNotFound, "image_not_found"},
		{"nor does one of another architecture", domain.Resolution{Architecture: "riscv64"}, []domain.Candidate{alias, x86}, "", domain.CodeNotFound, "image_not_found"},
		{"out of reach is forbidden", domain.Resolution{}, []domain.Candidate{hidden}, "", domain.CodeForbidden, "image_out_of_reach"},
		{"a name out of reach is not passed over for an alias", domain.Resolution{}, []domain.Candidate{alias, hidden}, "", domain.CodeForbidden, "image_out_of_reach"},
		{"dead and out of reach is not found", domain.Resolution{Architecture: "aarch64"}, []domain.Candidate{hidden}, "", domain.CodeNotFound, "image_not_found"},
	} {
		got, err := c.pick.Choose("py", c.found)
		require.Equal(t, c.code, domain.CodeOf(err), "%s: %v", c.name, err)
		if c.code != "" {
			require.Equal(t, c.reason, domain.ReasonOf(err), c.name)
			require.Zero(t, got, c.name)
			continue
		}
		require.Equal(t, c.want, got.Architecture, c.name)
	}
}

func TestAnAmbiguousNameNamesItsCandidates(t *testing.T) {
	t.Parallel()
	_, err := domain.Resolution{}.Choose("py", []domain.Candidate{
		candidate("aarch64", domain.ImageAlive, domain.ViaCanonical, true), candidate("x86_64", domain.ImageAlive, domain.ViaCanonical, true),
	})
	require.Equal(t, `"py" means several images, name the architecture: cr.example.org/py:3 (aarch64), cr.example.org/py:3 (x86_64)`, domain.MessageOf(err))
}

func TestChoosingTakesACandidateOrFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		arch := rapid.SampledFrom([]string{"x86_64", "aarch64", "riscv64"})
		status := rapid.SampledFrom(domain.ImageStatuses())
		one := rapid.Custom(func(t *rapid.T) domain.Candidate {
			return candidate(arch.Draw(t, "arch"), status.Draw(t, "status"), domain.Via(rapid.IntRange(0, 2).Draw(t, "via")), rapid.Bool().Draw(t, "reach"))
		})
		found := rapid.SliceOfN(one, 0, 5).Draw(t, "found")
		r := domain.Resolution{Architecture: rapid.OneOf(rapid.Just(""), arch).Draw(t, "asked"), Default: rapid.OneOf(rapid.Just(""), arch).Draw(t, "default"), Statuses: rapid.SliceOfN(status, 0, 2).Draw(t, "statuses")}
		before := append([]domain.Candidate(nil), found...)
		img, err := r.Choose("py", found)
		require.Equal(t, before, append([]domain.Candidate(nil), found...), "the candidates are left alone")
		if err != nil {
			require.Contains(t, []domain.Code{domain.CodeNotFound, domain.CodeForbidden, domain.CodeInvalid}, domain.CodeOf(err))
			return
		}
		isOne := false
		for _, c := range found {
			isOne = isOne || c.InReach && c.Image.Architecture == img.Architecture && c.Image.Status == img.Status
		}
		require.True(t, isOne)
		require.True(t, r.Architecture == "" || img.Architecture == r.Architecture)
	})
}
