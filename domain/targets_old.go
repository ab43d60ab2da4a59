package domain

import "strings"

// ParseTargets reads an expression that names agents: * for all of them, or
// ids separated by commas. Each id comes once, in the order given. Errors:
// invalid, reasons target_invalid and agent_id_invalid.
func ParseTargets(expr string) (ids []AgentID, all bool, err error) {
	seen := map[AgentID]bool{}
	for term := range strings.SplitSeq(expr, ",") {
		term = strings.TrimSpace(term)
		if term == "*" {
			all = true
			continue
		}
		id, err := ParseAgentID(term)
		if err != nil {
			return nil, false, err
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if all {
		return nil, true, nil
	}
	return ids, false, nil
}
