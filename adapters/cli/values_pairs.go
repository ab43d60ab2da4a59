package cli

import (
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// limits reads SLOT=MIN[:MAX], several in one text by commas. SLOT=:MAX sets no
// minimum. A slot may hold colons itself, which is why the first = decides.
func limits(dst *domain.Limits, given []string) error {
	*dst = domain.Limits{}
	for _, g := range given {
		for part := range strings.SplitSeq(g, ",") {
			slot, bounds, ok := strings.Cut(strings.TrimSpace(part), "=")
			if !ok || slot == "" || bounds == "" {
				return domain.Invalid("limit_invalid", "limits", "a limit is SLOT=MIN, SLOT=MIN:MAX or SLOT=:MAX, not %s", domain.Quote(part))
			}
			if _, twice := (*dst)[slot]; twice {
				return domain.Invalid("limit_invalid", slot, "slot %s is given twice", domain.Quote(slot))
			}
			least, most, _ := strings.Cut(bounds, ":")
			(*dst)[slot] = domain.Limit{Min: least, Max: most}
		}
	}
	return nil
}

// pairs reads KEY=VALUE, one in each text: values may hold commas.
func pairs(dst *map[string]string, given []string) error {
	*dst = map[string]string{}
	for _, g := range given {
		key, value, ok := strings.Cut(g, "=")
		if !ok || key == "" {
			return domain.Invalid("pair_invalid", "pair", "a pair is KEY=VALUE, not %s", domain.Quote(g))
		}
		(*dst)[key] = value
	}
	return nil
}

// parseActor reads USER:ROLE[:DOMAIN[:PROJECT,PROJECT]]. Errors: invalid, on
// the field.
func parseActor(on, s string) (domain.Actor, error) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 4 || parts[0] == "" || parts[1] == "" {
		return domain.Actor{}, domain.Invalid("actor_invalid", on, "an actor is USER:ROLE[:DOMAIN[:PROJECT,PROJECT]], not %s", domain.Quote(s))
	}
	parts = append(parts, "", "")
	a := domain.Actor{ID: domain.UserID(parts[0]), Role: domain.Role(parts[1]), Domain: parts[2]}
	for project := range strings.SplitSeq(parts[3], ",") {
		if project != "" {
			a.Projects = append(a.Projects, project)
		}
	}
	return a, nil
}
