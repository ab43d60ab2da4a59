package domain

// targetTerm is one term of a target expression.
type targetTerm struct {
	negated  bool
	kind     targetKind
	key      string // of targetLabel
	anyValue bool   // of targetLabel: the pattern is not used
	pattern  glob
}

// targetKind is what a term looks at, by its prefix.
type targetKind string

const (
	targetID     targetKind = ""
	targetGroup  targetKind = "scaling-group"
	targetArch   targetKind = "arch"
	targetLabel  targetKind = "label"
	targetStatus targetKind = "status"
)

// isID: the term names one agent that is meant to exist.
func (t *targetTerm) isID() bool { return t.kind == targetID && !t.negated && !t.pattern.wild }

// matches looks at the agent regardless of negated.
func (t *targetTerm) matches(a *Agent) bool {
	switch t.kind {
	case targetGroup:
		return t.pattern.match(a.ScalingGroup)
	case targetArch:
		if alias, ok := architectureAliases[a.Architecture]; ok { // of an agent that nobody checked
			return t.pattern.match(alias)
		}
		return t.pattern.match(a.Architecture)
	case targetLabel:
		value, ok := a.Labels[t.key]
		return ok && (t.anyValue || t.pattern.match(value))
	case targetStatus:
		return t.pattern.match(string(a.Status))
	default:
		return t.pattern.match(string(a.ID))
	}
}

// String returns the canonical form.
func (t *targetTerm) String() string {
	s := t.pattern.String()
	switch {
	case t.kind == targetLabel && t.anyValue:
		s = "label:" + t.key
	case t.kind == targetLabel:
		s = "label:" + t.key + "=" + s
	case t.kind != targetID:
		s = string(t.kind) + ":" + s
	}
	if t.negated {
		return "!" + s
	}
	return s
}
