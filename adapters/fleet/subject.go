package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

const (
	askRoot   = "wharf.ask."
	replyRoot = "wharf.reply."
	noteRoot  = "wharf.note."
	beatRoot  = "wharf.beat."

	// oneOf is the queue group of a node's processes: one of them takes an ask.
	oneOf = "wharf"
)

// The operations, as they stand in subjects.
const (
	opInventory = "inventory"
	opPull      = "pull"
	opRemove    = "remove"
)

// Permissions returns what a node may publish and subscribe to in NATS: exactly
// what [Serve] needs, and for this node only. Any id gives subjects of one node,
// also one that is no agent's.
func Permissions(id domain.AgentID) (publish, subscribe []string) {
	t := token(id)
	return []string{beatRoot + t, replyRoot + t + ".>"}, []string{askRoot + t + ".*", noteRoot + t}
}

// token is the agent's place in a subject. No two ids share one, and none is a
// wildcard or empty.
func token(id domain.AgentID) string {
	if id == "" {
		return "~" // an empty token is no subject
	}
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "~%02X", c)
		}
	}
	return b.String()
}

// agentOf undoes token; false when no agent has this token.
func agentOf(t string) (domain.AgentID, bool) {
	head, rest, escaped := strings.Cut(t, "~")
	var b strings.Builder
	b.WriteString(head)
	for escaped {
		if len(rest) < 2 {
			return "", false
		}
		c, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(c))
		head, rest, escaped = strings.Cut(rest[2:], "~")
		b.WriteString(head)
	}
	id, err := domain.ParseAgentID(b.String())
	return id, err == nil && token(id) == t // one agent, one spelling
}
