package domain_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

func requireBadTargets(t require.TestingT, err error) {
	requireInvalid(t, err, "target_invalid")
	require.Equal(t, "target_agents", domain.OnOf(err))
}

func TestTargetErrorsPoint(t *testing.T) {
	t.Parallel()
	const noID = " cannot be in an agent id, which is letters, digits, '.', '_' and '-'"
	forms := "a term is an agent id, scaling-group:NAME, arch:NAME, label:KEY=VALUE or status:online"
	for expr, want := range map[string]string{
		// terms
		",":       `term 1, "" at column 1: it is empty; write what it names, or take a comma away`,
		",a":      `term 1, "" at column 1: it is empty`,
		"a,":      `term 2, "" at column 3: it is empty`,
		"a, ,b":   `term 2, "" at column 4: it is empty`,
		"*,*,":    `term 3, "" at column 5: it is empty`,
		"a, ! ":   `term 2, "!" at column 4: nothing follows the "!"; write what it excludes, such as "!node-1"`,
		"a,! !b":  `term 2, "! !b" at column 3: "!" at column 5 is one too many; one excludes, none includes`,
		`"é,",b*`: `term 1, "\"é,\"" at column 1: "é" at column 2` + noID, // and the quoted comma is of the first term
		// ids
		"a b":                         `term 1, "a b" at column 1: " " at column 2` + noID + "; terms are separated by commas",
		"é;b":                         `term 1, "é;b" at column 1: "é" at column 1` + noID,
		"a,b;c":                       `term 2, "b;c" at column 3: ";" at column 4` + noID + "; terms are separated by commas",
		"zone=a":                      `term 1, "zone=a" at column 1: "=" at column 5` + noID + "; a label is written label:KEY=VALUE",
		"a!b":                         `"!" at column 2` + noID + `; a "!" that excludes stands at the beginning of a term`,
		"'a'":                         `"'" at column 1` + noID + "; quotes are double quotes",
		"n-{1,2}":                     `term 1, "n-{1" at column 1: "{" at column 3` + noID + "; for one of several characters write brackets: [12]",
		"a/*":                         `"/" at column 2` + noID,
		"*,-b":                        `term 2, "-b" at column 3: "-" at column 3 cannot begin an agent id, a letter or a digit does; "!" excludes: "!node-1"`,
		".a*":                         `"." at column 1 cannot begin an agent id`,
		`""`:                          `an agent id is not empty; write "*" for all agents`,
		strings.Repeat("a", 65):       "an agent id has at most 64 characters, not 65",
		strings.Repeat("?", 65) + "*": "an agent id has at most 64 characters, not 65",
		"a\tb":                        `term 1, "a\tb" at column 1: "\t" at column 2 does not print; take it away`,
		"b,a\x1b[0m":                  `term 2, "a\x1b[0m" at column 3: no "]" follows "[" at column 5`,
		"b,a\x1b":                     `term 2, "a\x1b" at column 3: "\x1b" at column 4 does not print`,
		"b,a\xff":                     `"` + "\ufffd" + `" at column 4 does not print`,
		// quotes and brackets
		`x,"a,b`:        `term 2, "\"a,b" at column 3: "\"" at column 3 opens a text that no other one closes`,
		`a"`:            `"\"" at column 2 opens a text that no other one closes`,
		`"a\`:           `"\"" at column 1 opens a text that no other one closes`,
		`"a\"`:          `"\"" at column 1 opens a text that no other one closes`,
		`label:k="a\n"`: `"\\" at column 11 in quotes is followed by "n" at column 12; write \\ for a backslash, \" for a quote`,
		`a\*`:           `"\\" at column 2 has to be in double quotes: "\\" means a backslash, "*" a star`,
		"a]":            `"]" at column 2 closes nothing; in double quotes it means itself: "]"`,
		"a[":            `no "]" follows "[" at column 2`,
		"a[1,2]":        `term 1, "a[1" at column 1: no "]" follows "[" at column 2; between brackets there are no commas: [12] is 1 or 2`,
		"a[1-":          `no "]" follows "[" at column 2`,
		"a[]":           `the brackets of "[" at column 2 are empty; write what they match, such as [0-9]`,
		"a[!]":          `the brackets of "[" at column 2 are empty`,
		"a[^":           `no "]" follows "[" at column 2`,
		"a[z-a]":        `the range "z-a" ends before it begins; write "a-z"`,
		"[[:alpha:]]":   `"[" at column 2 cannot stand between brackets`,
		`[a-"]"]`:       `"\"" at column 4 cannot stand between brackets`,
		"a[\x01]":       `"\x01" at column 3 does not print`,
		// prefixes
		"group:x":                       `term 1, "group:x" at column 1: there is no prefix "group:"; did you mean "scaling-group:x"?`,
		"a,!scaling_group:gpu*":         `term 2, "!scaling_group:gpu*" at column 3: there is no prefix "scaling_group:"; did you mean "!scaling-group:gpu*"?`,
		"Scaling-Group: x":              `did you mean "scaling-group:x"?`,
		"scaling group:x":               `did you mean "scaling-group:x"?`,
		"scalling-groups:x":             `did you mean "scaling-group:x"?`,
		"sg:x":                          `did you mean "scaling-group:x"?`,
		"resource-group:x":              `did you mean "scaling-group:x"?`,
		"architecture:amd64":            `did you mean "arch:amd64"?`,
		"Arch:amd64":                    `did you mean "arch:amd64"?`,
		"ach:amd64":                     `did you mean "arch:amd64"?`,
		"lable:a=b":                     `did you mean "label:a=b"?`,
		"labels:a":                      `did you mean "label:a"?`,
		"tag:a":                         `did you mean "label:a"?`,
		"statsu:online":                 `did you mean "status:online"?`,
		"state:online":                  `did you mean "status:online"?`,
		"agent:a":                       `there is no prefix "agent:"; an agent id stands alone, without a prefix`,
		"gpu:1":                         `there is no prefix "gpu:"; ` + forms,
		"site:eu":                       `there is no prefix "site:"; ` + forms,
		"unix:///run/x.sock":            `there is no prefix "unix:"; ` + forms,
		"cach:x":                        `there is no prefix "cach:"; ` + forms, // two characters of four
		":x":                            `there is no prefix ":"; ` + forms,
		"*:x":                           `there is no prefix "*:"; ` + forms,
		strings.Repeat("x", 4000) + ":": "; " + forms,
		// groups
		"scaling-group: ,a":                               `term 1, "scaling-group:" at column 1: the name of a scaling group is missing after "scaling-group:"; write it as in "scaling-group:gpu-*"`,
		`scaling-group:""`:                                "the name of a scaling group is missing",
		"scaling-group:a b":                               `" " at column 16 cannot be in the name of a scaling group; terms are separated by commas`,
		"scaling-group:" + strings.Repeat("a", 256):       "the name of a scaling group has at most 255 bytes, not 256",
		"scaling-group:" + strings.Repeat("é", 128):       "the name of a scaling group has at most 255 bytes, not 256",
		"scaling-group:" + strings.Repeat("?", 256) + "*": "the name of a scaling group has at most 255 bytes, not 256",
		"a,scaling-group:a\u202eb":                        `"\u202e" at column 18 does not print`,
		// architectures
		"arch:":       `an architecture is missing after "arch:"; write it as in "arch:aarch64"`,
		"arch:arm/*":  "an architecture takes no wildcards, as it goes by several names; name each: arch:aarch64,arch:arm/v7",
		"!arch:adm64": `term 1, "!arch:adm64" at column 1: "adm64" is no known architecture; write amd64 or x86_64, arm64 or aarch64`,
		"arch:s4/v2":  `"s4/v2" is no known architecture`,
		"arch:x 64":   `"x 64" is not an architecture: the name consists of letters, digits and '_'`,
		"arch:arm/x":  `"arm/x" is not an architecture: the variant has no known form, such as v7`,
		// labels
		"label:":                              `the key of a label is missing; write "label:KEY" or "label:KEY=VALUE"`,
		"label:=a":                            "the key of a label is missing",
		`label:""=a`:                          "the key of a label is missing",
		"label:k y=z":                         `the key of a label is 1-63 letters, digits, '.', '_', '-' or '/': "k y"`,
		"label:" + strings.Repeat("k", 64):    "the key of a label is 1-63 letters",
		"label:k* = z":                        `the key of a label takes no wildcards, "k*"; only its value does: "label:KEY=*"`,
		"label:k!=z":                          `; to exclude, begin the term with "!": "!label:KEY=VALUE"`,
		"label:k:z":                           `; a value follows "=": "label:KEY=VALUE"`,
		"label:k=":                            `a value is missing after "="; write label:k for any value, label:k="" for the empty one`,
		"label:k= ,a":                         `a value is missing after "="`,
		"label:k==z":                          `"=" at column 9 is one too many; a value that begins with "=" is quoted: label:k="=a"`,
		"label:k=" + strings.Repeat("v", 256): "the value of a label has at most 255 bytes, not 256",
		"label:k=é\u200bb":                    `"\u200b" at column 10 does not print`,
		"label:k=\"a\nb\"":                    `"\n" at column 11 does not print`,
		// statuses
		"status:":       `online or offline is missing after "status:"; write it as in "status:online"`,
		"status:Online": `a status is online or offline, not "Online"`,
		"status:on*":    `a status is online or offline, not "on*"`,
		"a,status:gone": `term 2, "status:gone" at column 3: a status is online or offline, not "gone"`,
	} {
		got, err := domain.ParseTargets(expr)
		requireBadTargets(t, err)
		require.Contains(t, domain.MessageOf(err), want, expr)
		require.Regexp(t, `^term \d+, ".*"…? at column \d+: `, domain.MessageOf(err), expr)
		require.Zero(t, got, "what cannot be read is never anybody")
	}
}

func TestTargetExpressionsHaveLimits(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return "*," + strings.Repeat(" ", n-3) + "a" }
	for expr, want := range map[string]string{
		"":                             `the expression is empty; write agent ids, "*" for all agents`,
		" \n":                          "the expression is empty",
		long(domain.MaxTargetText + 1): "the expression has 4097 bytes, at most 4096 are allowed; name more agents at once by *",
		strings.Repeat("a,", domain.MaxTargetTerms) + "a": "the expression has more than 256 terms; name more agents at once by *",
		longArchitectures(): "in its canonical form the expression has 4863 bytes, at most 4096 are allowed",
	} {
		got, err := domain.ParseTargets(expr)
		requireBadTargets(t, err)
		require.Contains(t, domain.MessageOf(err), want)
		require.Zero(t, got)
	}
	for _, expr := range []string{long(domain.MaxTargetText), strings.Repeat("a,", domain.MaxTargetTerms-1) + "a"} {
		_, err := domain.ParseTargets(expr)
		require.NoError(t, err)
	}
}

// longArchitectures is as long as it may be, and longer as it is written out:
// arm64/1000 is aarch64/v1000.
func longArchitectures() string {
	terms := make([]string, domain.MaxTargetTerms)
	for i := range terms {
		terms[i] = "arch:arm64/" + string([]byte{'1', byte('0' + i/100), byte('0' + i/10%10), byte('0' + i%10)})
	}
	return strings.Join(terms, ",")
}
