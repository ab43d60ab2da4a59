package domain

import (
	"slices"
	"strings"
	"unicode"
)

// The longest texts that patterns can match.
const (
	longestAgentID = 64
	longestText    = 255 // of scaling groups and values
)

// knownArchitectures are those that Linux runs on, as [NormalizeArchitecture]
// names them. A misspelled one would match no agent, and negated, spare none.
const knownArchitectures = "x86_64 aarch64 arm riscv64 ppc64le s390x loongarch64 x86 " +
	"alpha armv5tel armv8l hppa ia64 m68k mips mips64 mips64el mips64le mipsel mipsle parisc " +
	"ppc ppc64 ppc64el riscv32 s390 sh4 sparc sparc64 sw_64"

// checkID checks a pattern over ids. What no id can match is a mistake.
func (p *targetParser) checkID(g *glob) error {
	if len(g.parts) == 0 {
		return p.fail(`an agent id is not empty; write "*" for all agents`)
	}
	for i, part := range g.parts {
		if part.kind != globChar {
			continue
		}
		if !isName("a"+string(part.r), longestAgentID) {
			return p.fail("%s cannot be in an agent id, which is letters, digits, '.', '_' and '-'%s", p.character(part.column), nearID(part.r))
		}
		if i == 0 && !isName(string(part.r), longestAgentID) {
			return p.fail(`%s cannot begin an agent id, a letter or a digit does; "!" excludes: "!node-1"`, p.character(part.column))
		}
	}
	if n := g.fewest(); n > longestAgentID {
		return p.fail("an agent id has at most %d characters, not %d", longestAgentID, n)
	}
	return nil
}

// rest reads what follows the prefix of a term, to its end.
func (p *targetParser) rest(kind targetKind, noun, example string) (glob, error) {
	g, _, err := p.pattern(-1)
	if err == nil && len(g.parts) == 0 {
		err = p.fail(`%s is missing after "%s:"; write it as in "%s:%s"`, noun, kind, kind, example)
	}
	return g, err
}

func (p *targetParser) group() (glob, error) {
	g, err := p.rest(targetGroup, "the name of a scaling group", "gpu-*")
	if err != nil {
		return glob{}, err
	}
	for _, part := range g.parts {
		if part.kind == globChar && unicode.IsSpace(part.r) {
			return glob{}, p.fail("%s cannot be in the name of a scaling group; terms are separated by commas", p.character(part.column))
		}
	}
	return g, p.checkLength(&g, "the name of a scaling group")
}

// checkLength refuses what no text that is allowed can match: lengths are in
// bytes, and a wildcard is at least one.
func (p *targetParser) checkLength(g *glob, noun string) error {
	if n := max(len(g.text), g.fewest()); n > longestText {
		return p.fail("%s has at most %d bytes, not %d", noun, longestText, n)
	}
	return nil
}

func (p *targetParser) arch() (glob, error) {
	from := p.pos
	g, err := p.rest(targetArch, "an architecture", "aarch64")
	if err != nil {
		return glob{}, err
	}
	if g.wild {
		return glob{}, p.fail("an architecture takes no wildcards, as it goes by several names; name each: arch:aarch64,arch:arm/v7")
	}
	normal, err := NormalizeArchitecture(g.text)
	if err != nil {
		return glob{}, p.fail("%s", MessageOf(err))
	}
	if name, _, _ := strings.Cut(normal, "/"); !slices.Contains(strings.Fields(knownArchitectures), name) {
		return glob{}, p.fail("%s is no known architecture; write amd64 or x86_64, arm64 or aarch64, arm/v7, riscv64, ppc64le, s390x, loongarch64, x86, or another that Linux runs on",
			Quote(strings.TrimSpace(p.source(from))))
	}
	var parts []globPart
	for _, r := range normal {
		parts = append(parts, globPart{r: r})
	}
	return newGlob(parts), nil
}

func (p *targetParser) label(t *targetTerm) error {
	from := p.pos
	key, _, err := p.pattern('=')
	if err != nil {
		return err
	}
	written := strings.TrimSpace(string(p.text[from:p.pos]))
	switch {
	case len(key.parts) == 0:
		return p.fail(`the key of a label is missing; write "label:KEY" or "label:KEY=VALUE"`)
	case key.wild:
		return p.fail(`the key of a label takes no wildcards, %s; only its value does: "label:KEY=*"`, Quote(written))
	}
	if err := checkAgentLabel(key.text, ""); err != nil {
		return p.fail("%s%s", MessageOf(err), nearKey(key.text))
	}
	t.key = key.text
	if t.anyValue = !p.take('='); t.anyValue {
		return nil
	}
	if p.take('=') {
		return p.fail(`%s is one too many; a value that begins with "=" is quoted: label:%s="=a"`, p.character(p.pos-1), t.key)
	}
	value, ok, err := p.pattern(-1)
	if err != nil {
		return err
	}
	if !ok {
		return p.fail(`a value is missing after "="; write label:%s for any value, label:%s="" for the empty one`, t.key, t.key)
	}
	t.pattern = value
	return p.checkLength(&value, "the value of a label")
}

func (p *targetParser) status() (glob, error) {
	from := p.pos
	g, err := p.rest(targetStatus, "online or offline", "online")
	if err != nil {
		return glob{}, err
	}
	if g.wild || g.text != string(AgentOnline) && g.text != string(AgentOffline) {
		return glob{}, p.fail("a status is online or offline, not %s", Quote(strings.TrimSpace(p.source(from))))
	}
	return g, nil
}
