package fleet

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// version of the protocol. Fields are added without a new one; a change of
// meaning needs one.
const version = 1

// Bounds on what a peer can make the other one keep.
const (
	longestFrame   = 1 << 20  // NATS' own default
	longestAsk     = 64 << 10 // of one pull or removal
	partSize       = 32 << 10 // of an inventory
	window         = 4        // parts that are sent ahead of what was read
	mostImages     = 200_000  // of an inventory
	longestAnswer  = 64 << 20
	longestWaiting = (window + 1) * longestFrame // frames of a call that nobody has read
)

// ask is what a manager wants of a node.
type ask struct {
	Version  int            `json:"v"`
	Call     string         `json:"call"`
	AliveMS  int64          `json:"alive_ms"`           // how often the manager wants a sign of life
	LimitMS  int64          `json:"limit_ms,omitempty"` // the time that the manager has; 0: no limit
	Progress bool           `json:"progress,omitempty"` // somebody looks at it
	Pull     *pullRequest   `json:"pull,omitempty"`
	Remove   *removeRequest `json:"remove,omitempty"`
}

// note is what a manager says of a call, named by the subject of its answer.
type note struct {
	Version   int    `json:"v"`
	Reply     string `json:"reply"`
	Read      int    `json:"read,omitempty"`      // frames with content
	Withdrawn bool   `json:"withdrawn,omitempty"` // nobody awaits the answer
}

// The kinds of frames.
const (
	kindAlive    = "alive"
	kindProgress = "progress"
	kindPart     = "part" // of an inventory
	kindDone     = "done"
	kindFailed   = "failed"
)

// frame is one message of an answer.
type frame struct {
	Version int    `json:"v"`
	Call    string `json:"call"`
	// Seq is the number of frames with content so far, this one included.
	Seq      int                     `json:"seq"`
	Kind     string                  `json:"kind"`
	Progress *domain.ProgressStep    `json:"progress,omitempty"`
	Images   []domain.InventoryImage `json:"images,omitempty"`
	Pulled   *pullOutcome            `json:"pulled,omitempty"`
	Removed  *removeOutcome          `json:"removed,omitempty"`
	Failed   *failure                `json:"failed,omitempty"`
}

// content tells whether a frame may not get lost.
func (f frame) content() bool { return f.Kind != kindAlive && f.Kind != kindProgress }

// decodeFrame reads a frame of a call and refuses what no node of this version
// sends. The error says what is wrong with it.
func decodeFrame(data []byte, call string) (frame, error) {
	if len(data) > longestFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes", len(data))
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return frame{}, fmt.Errorf("not a frame: %w", err)
	}
	if f.Version != version {
		return frame{}, fmt.Errorf("version %d of the protocol, not %d", f.Version, version)
	}
	if f.Call != call {
		return frame{}, fmt.Errorf("a frame of the call %s", domain.Quote(f.Call))
	}
	sound := false
	switch f.Kind {
	case kindAlive, kindDone:
		sound = true
	case kindProgress:
		sound = f.Progress != nil
	case kindPart:
		sound = len(f.Images) > 0
	case kindFailed:
		sound = f.Failed != nil && f.Failed.sound()
	}
	if !sound {
		return frame{}, fmt.Errorf("a frame of kind %s that makes no sense", domain.Quote(f.Kind))
	}
	return f, nil
}

// decodeAsk reads what a manager wants.
func decodeAsk(data []byte, op string) (ask, error) {
	var a ask
	if len(data) > longestAsk {
		return a, fmt.Errorf("an ask of %d bytes", len(data))
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("not an ask: %w", err)
	}
	if a.Version != version {
		return a, fmt.Errorf("version %d of the protocol, not %d", a.Version, version)
	}
	if (op == opPull) != (a.Pull != nil) || (op == opRemove) != (a.Remove != nil) {
		return a, fmt.Errorf("an ask for %s that makes no sense", domain.Quote(op))
	}
	return a, nil
}

// every is how often a call gives signs of life, whatever its manager wants.
func (a ask) every() time.Duration {
	return time.Duration(min(max(a.AliveMS, 50), 60_000)) * time.Millisecond
}

// limit is how long a call may last; false: as long as it takes.
func (a ask) limit() (time.Duration, bool) {
	const longest = 365 * 24 * time.Hour
	return time.Duration(min(a.LimitMS, longest.Milliseconds())) * time.Millisecond, a.LimitMS > 0
}
