package domain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// fleet is the population that expressions are tried on.
func fleet() []domain.Agent {
	agent := func(id domain.AgentID, group, arch string, status domain.AgentStatus, labels map[string]string) domain.Agent {
		return domain.Agent{ID: id, Kind: domain.AgentDocker, Address: "x", ScalingGroup: group, Architecture: arch, Status: status, Labels: labels}
	}
	return []domain.Agent{
		agent("gpu-0", "train-a", "x86_64", domain.AgentOnline, map[string]string{"zone": "eu-1", "note": "a, b and c"}),
		agent("gpu-1", "train-a", "x86_64", domain.AgentOffline, map[string]string{"zone": "eu-2", "drain": ""}),
		agent("gpu-x", "train-b", "aarch64", domain.AgentOnline, map[string]string{"zone": "us-1", "path/of.it": "/srv/a*b"}),
		agent("pi", "edge,1", "arm/v7", domain.AgentOnline, map[string]string{"zone": "", "note": " 50% \"x\"\\ "}),
		agent("Pi", "가", "arm/v6", domain.AgentOffline, nil),
		agent("new", "train", "amd64", domain.AgentOnline, nil), // as nobody normalised it
	}
}

// chosen are the ids of the fleet that are of the set.
func chosen(t domain.Targets) string {
	var ids []string
	for _, a := range fleet() {
		if t.Match(a) {
			ids = append(ids, string(a.ID))
		}
	}
	return strings.Join(ids, " ")
}

func TestTargetsMatch(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		// ids
		"pi":                     "pi",
		"pi,gpu-0":               "gpu-0 pi",
		" pi ,\n\tgpu-0 ":        "gpu-0 pi",
		"nobody":                 "",
		"nobody,pi":              "pi",
		"*":                      "gpu-0 gpu-1 gpu-x pi Pi new",
		"**":                     "gpu-0 gpu-1 gpu-x pi Pi new",
		"gpu-*":                  "gpu-0 gpu-1 gpu-x",
		"gpu-?":                  "gpu-0 gpu-1 gpu-x",
		"gpu?":                   "",
		"*i":                     "pi Pi",
		"*-*":                    "gpu-0 gpu-1 gpu-x",
		"g*p*u*-*0*":             "gpu-0",
		"gpu-[01]":               "gpu-0 gpu-1",
		"gpu-[0-9]":              "gpu-0 gpu-1",
		"gpu-[^0]":               "gpu-1 gpu-x",
		"gpu-[!0]":               "gpu-1 gpu-x",
		"[Pp]i":                  "pi Pi",
		"gpu[-][x-]":             "gpu-x",
		"gpu[a-]?":               "gpu-0 gpu-1 gpu-x",
		"[a-z]*[0-9]":            "gpu-0 gpu-1",
		`"pi"`:                   "pi",
		`gpu-"0"`:                "gpu-0",
		`"gpu"-*`:                "gpu-0 gpu-1 gpu-x",
		"???":                    "new",
		"*?*?*?*":                "gpu-0 gpu-1 gpu-x new",
		"[^a-z]*":                "Pi",
		strings.Repeat("*p", 30): "",
		strings.Repeat("p", 64):  "",
		"pi" + strings.Repeat(",pi", domain.MaxTargetTerms-1): "pi",
		// groups
		"scaling-group:train-a":        "gpu-0 gpu-1",
		"scaling-group:train-*":        "gpu-0 gpu-1 gpu-x",
		"scaling-group:train":          "new",
		"scaling-group : train-b ":     "gpu-x",
		"scaling-group:*":              "gpu-0 gpu-1 gpu-x pi Pi new",
		`scaling-group:"edge,1"`:       "pi",
		`scaling-group:"edge,"*`:       "pi",
		"scaling-group:가":              "Pi",
		"scaling-group:?":              "Pi",
		"scaling-group:[가-힣]":          "Pi",
		`scaling-group:"train-*"`:      "",
		"scaling-group:a:b=c!d#e@f/gh": "",
		// architectures
		"arch:x86_64":      "gpu-0 gpu-1 new",
		"arch:amd64":       "gpu-0 gpu-1 new",
		"arch:AMD64":       "gpu-0 gpu-1 new",
		"arch:linux/amd64": "gpu-0 gpu-1 new",
		"arch:arm64":       "gpu-x",
		"arch:aarch64":     "gpu-x",
		"arch:arm":         "pi",
		"arch:arm/v6":      "Pi",
		"arch:riscv64":     "",
		// labels
		"label:zone":                  "gpu-0 gpu-1 gpu-x pi",
		"label:zone=*":                "gpu-0 gpu-1 gpu-x pi",
		"label:zone=?*":               "gpu-0 gpu-1 gpu-x",
		`label:zone=""`:               "pi",
		"label:zone=eu-1":             "gpu-0",
		"label:zone=eu-?":             "gpu-0 gpu-1",
		"label: zone = *-1 ":          "gpu-0 gpu-x",
		"label:Zone":                  "",
		"label:drain":                 "gpu-1",
		`label:note="a, b and c"`:     "gpu-0",
		`label:note="a, b"*`:          "gpu-0",
		"label:note=*b and c":         "gpu-0",
		`label:note=" 50% \"x\"\\ "`:  "pi",
		`label:note=*"\"x\""*`:        "pi",
		`label:path/of.it="/srv/a*b"`: "gpu-x",
		"label:path/of.it=/srv/*":     "gpu-x",
		"label:path/of.it=/srv/a?b":   "gpu-x",
		"label:path/of.it=*[*]*":      "gpu-x",
		`label:path/of.it="/srv/a?b"`: "",
		`label:zone="=x"`:             "",
		`label:zone=a=b:c!d'e`:        "",
		// status
		"status:online":  "gpu-0 gpu-x pi new",
		"status:offline": "gpu-1 Pi",
		// several, and negation
		"pi,gpu-*,!gpu-1":                    "gpu-0 gpu-x pi",
		"!gpu-1,pi,gpu-*":                    "gpu-0 gpu-x pi",
		"!gpu-*":                             "pi Pi new",
		" ! gpu-* , ! pi ":                   "Pi new",
		"!*":                                 "",
		"*,!*":                               "",
		"pi,!pi":                             "",
		"pi,!nobody":                         "pi",
		"!nobody":                            "gpu-0 gpu-1 gpu-x pi Pi new",
		"!status:offline":                    "gpu-0 gpu-x pi new",
		"!arch:amd64":                        "gpu-x pi Pi",
		"!label:zone":                        "Pi new",
		"!label:zone=eu-1":                   "gpu-1 gpu-x pi Pi new",
		"scaling-group:train-*,!label:drain": "gpu-0 gpu-x",
		"label:zone=eu-*,arch:arm,!status:offline": "gpu-0 pi",
	} {
		got, err := domain.ParseTargets(expr)
		require.NoError(t, err, expr)
		require.Equal(t, want, chosen(got), expr)
		again, err := domain.ParseTargets(got.String())
		require.NoError(t, err, expr)
		require.Equal(t, want, chosen(again), expr)
		require.Equal(t, got.String(), again.String(), expr)
	}
}

func TestTargetsNameTheAgentsThatMustExist(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]struct {
		ids  []domain.AgentID
		only bool
	}{
		"a":                           {[]domain.AgentID{"a"}, true},
		"b,a":                         {[]domain.AgentID{"b", "a"}, true},
		`b,"a", b,a`:                  {[]domain.AgentID{"b", "a"}, true},
		"a,!b":                        {[]domain.AgentID{"a"}, true},
		"a,!a":                        {[]domain.AgentID{"a"}, true},
		"a,!status:offline":           {[]domain.AgentID{"a"}, true},
		"a,*":                         {[]domain.AgentID{"a"}, false},
		"status:online,c,!arch:x86,a": {[]domain.AgentID{"c", "a"}, false},
		"a[1]":                        {nil, false}, // a pattern, if of one character
		"*":                           {nil, false},
		"!b":                          {nil, false},
		"label:a":                     {nil, false},
	} {
		got, err := domain.ParseTargets(expr)
		require.NoError(t, err, expr)
		require.Equal(t, want.ids, got.IDs(), expr)
		require.Equal(t, want.only, got.OnlyIDs(), expr)
	}
}

func TestTargetsDoNotChange(t *testing.T) {
	t.Parallel()
	got, err := domain.ParseTargets("a,b")
	require.NoError(t, err)
	got.IDs()[0] = "x"
	require.Equal(t, []domain.AgentID{"a", "b"}, got.IDs())
	require.Equal(t, "a,b", got.String())
}

func TestNoTargetsAreNobody(t *testing.T) {
	t.Parallel()
	var none domain.Targets
	require.Empty(t, chosen(none))
	require.Empty(t, none.IDs())
	require.True(t, none.OnlyIDs())
	require.Empty(t, none.String())
}

func TestTargetsHaveACanonicalForm(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		" b ,a ":                           "b,a",
		"a,b,a":                            "a,b",
		"a,!a":                             "a,!a",
		` ! "a" `:                          "!a",
		"a***b":                            "a*b",
		"n[!0-9]":                          "n[^0-9]",
		"n[1]":                             "n[1]",
		"n[!^]":                            "n[^^]",
		"arch:amd64, arch:x64,arch:x86_64": "arch:x86_64",
		"arch:arm":                         "arch:arm/v7",
		"scaling-group : x ":               "scaling-group:x",
		`scaling-group:"="*`:               `scaling-group:"="*`,
		"scaling-group:=":                  `scaling-group:"="`,
		"status: online":                   "status:online",
		"label: a ":                        "label:a",
		`label:a="]"`:                      `label:a="]"`,
		`label:a=*"=b"`:                    "label:a=*=b",
		`label:a=*" b"`:                    "label:a=* b",
		"label: a = ":                      "",
		`label:a=""`:                       `label:a=""`,
		`label:a=b" "`:                     `label:a="b "`,
		`label:a=b" "c`:                    "label:a=b c",
		`label:a=b" "*`:                    "label:a=b *",
		`label:a=*" "`:                     `label:a=*" "`,
		`label:a="*"*"?"?"\\""x"`:          `label:a="*"*"?"?"\\x"`,
		`label:a="\""`:                     `label:a="\""`,
		`label:a=b","c"d"`:                 `label:a="b,cd"`,
		`label:a="[b]"[b]`:                 `label:a="[b]"[b]`,
	} {
		got, err := domain.ParseTargets(expr)
		if want == "" {
			require.Error(t, err, expr)
			continue
		}
		require.NoError(t, err, expr)
		require.Equal(t, want, got.String(), expr)
	}
}

// By trying every length for every * this would never end.
func TestHostilePatternsAreMatchedInTime(t *testing.T) {
	t.Parallel()
	got, err := domain.ParseTargets("label:x=" + strings.Repeat("*a", 254) + "*b")
	require.NoError(t, err)
	require.False(t, got.Match(domain.Agent{Labels: map[string]string{"x": strings.Repeat("a", 255)}}))
	require.True(t, got.Match(domain.Agent{Labels: map[string]string{"x": strings.Repeat("a", 254) + "b"}}))
}

// Not parallel: AllocsPerRun counts what the whole process allocates.
func TestMatchingDoesNotAllocate(t *testing.T) {
	forms := []string{"node-%d", "x*-%d?", "n[^a]*%d", "scaling-group:g*%d", "arch:arm/v%d", "label:zone=*%d", "!label:drain%d", "!status:offline,n%d"}
	terms := make([]string, 0, domain.MaxTargetTerms)
	for i := range domain.MaxTargetTerms - domain.MaxTargetTerms/len(forms) {
		terms = append(terms, fmt.Sprintf(forms[i%len(forms)], 1000+i))
	}
	got, err := domain.ParseTargets(strings.Join(terms, ","))
	require.NoError(t, err)
	agents := make([]domain.Agent, 2000)
	for i := range agents {
		agents[i] = domain.Agent{
			ID: domain.AgentID(fmt.Sprintf("node-%d", i)), ScalingGroup: "group", Architecture: []string{"x86_64", "aarch64", "arm/v7"}[i%3],
			Status: domain.AgentOnline, Labels: map[string]string{"zone": fmt.Sprintf("eu-%d", i)},
		}
	}
	found := 0
	allocs := testing.AllocsPerRun(3, func() {
		found = 0
		for _, a := range agents {
			if got.Match(a) {
				found++
			}
		}
	})
	require.NotZero(t, found)
	require.Less(t, found, len(agents))
	require.Less(t, allocs, float64(len(agents))/100, "for %d agents", len(agents))
}
