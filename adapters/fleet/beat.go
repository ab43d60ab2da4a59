package fleet

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wharf-project/wharf/domain"
)

// Beat is what a manager knows of a node by its heartbeats.
type Beat struct {
	AgentID domain.AgentID
	// Online: it is there. False: it said goodbye, or fell silent.
	Online bool
	// Revision is equal for equal inventories of a node, and changes with what
	// the node holds. Empty: the node has not been able to look yet.
	Revision string
	// At is when it was heard last, by the manager's clock.
	At time.Time
	// Architecture is the node's own, "" when it makes no sense.
	Architecture string
	// Version is the node's program, for people.
	Version string
}

// beat is a heartbeat on the wire. Whose it is, its subject says.
type beat struct {
	Protocol     int    `json:"v"`
	Process      string `json:"process"` // another one may serve the same node
	Revision     string `json:"revision,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Version      string `json:"version,omitempty"`
	Bye          bool   `json:"bye,omitempty"`
}

func beatOf(n Node) beat {
	return beat{Protocol: version, Process: rand.Text(), Architecture: domain.HostArchitecture(), Version: plain(n.Version, longestVersion)}
}

func (b beat) encode() []byte {
	data, _ := json.Marshal(b) // strings and a bool
	return data
}

const (
	longestBeat    = 4096
	longestVersion = 128
)

var processForm, revisionForm = regexp.MustCompile(`^[A-Z2-7]{1,64}$`), regexp.MustCompile(`^([0-9a-f]{64})?$`)

// decodeBeat reads a heartbeat. The error says what is wrong with it.
func decodeBeat(m *nats.Msg, now time.Time) (Beat, beat, error) {
	id, ok := agentOf(strings.TrimPrefix(m.Subject, beatRoot))
	if !ok {
		return Beat{}, beat{}, fmt.Errorf("no agent's: %s", domain.Quote(m.Subject))
	}
	if len(m.Data) > longestBeat {
		return Beat{}, beat{}, fmt.Errorf("%d bytes", len(m.Data))
	}
	var b beat
	if err := json.Unmarshal(m.Data, &b); err != nil {
		return Beat{}, beat{}, err
	}
	if b.Protocol != version || !processForm.MatchString(b.Process) || !revisionForm.MatchString(b.Revision) {
		return Beat{}, beat{}, fmt.Errorf("makes no sense, or is of another version: %d", b.Protocol)
	}
	architecture, err := domain.NormalizeArchitecture(b.Architecture)
	if err != nil {
		architecture = ""
	}
	return Beat{AgentID: id, Online: !b.Bye, Revision: b.Revision, At: now, Architecture: architecture, Version: plain(b.Version, longestVersion)}, b, nil
}
