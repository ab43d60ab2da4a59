package fleet

import "github.com/wharf-project/wharf/domain"

// What tests look at from outside.
var (
	Token      = token
	AgentOf    = agentOf
	RevisionOf = revisionOf
)

// The bounds that tests reach.
const (
	LongestFrame = longestFrame
	LongestAsk   = longestAsk
	MostImages   = mostImages
	MostWaiting  = mostWaiting
)

// DecodeFrame tells whether a frame of a call is one.
func DecodeFrame(data []byte, call string) error {
	_, err := decodeFrame(data, call)
	return err
}

// DecodeAsk tells whether an ask is one.
func DecodeAsk(data []byte, op string) error {
	_, err := decodeAsk(data, op)
	return err
}

// OverTheWire is a request as the node gets it.
func OverTheWire(r domain.PullRequest) domain.PullRequest { return pullRequestOf(r).request() }
