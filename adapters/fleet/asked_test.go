package fleet_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// heardFrame is a frame as a manager of another make reads it.
type heardFrame struct {
	V    int
	Call string
	Seq  int
	Kind string

	Images   []domain.InventoryImage
	Progress *domain.ProgressStep
	Failed   *struct{ Problem domain.Problem }
}

// manager speaks to a node by hand.
type manager struct {
	testing.TB
	conn    *nats.Conn
	answers <-chan *nats.Msg
}

func newManager(tb testing.TB, b *broker) manager {
	return manager{tb, b.connect(tb), overhear(tb, b, "wharf.reply.node1.test.*")}
}

func (m manager) ask(op, call, more string) {
	m.Helper()
	m.send(op, call, `{"v":1,"call":"`+call+`","alive_ms":50`+more+`}`)
}

func (m manager) send(op, call, ask string) {
	m.Helper()
	require.NoError(m, m.conn.PublishRequest("wharf.ask.node1."+op, "wharf.reply.node1.test."+call, []byte(ask)))
}

// next returns the next frame that is no sign of life.
func (m manager) next() (f heardFrame) {
	m.Helper()
	for f.Kind == "" || f.Kind == "alive" {
		f = heardFrame{}
		require.NoError(m, json.Unmarshal(receive(m, m.answers).Data, &f))
	}
	return f
}

const pullOfOne = `,"pull":{"reference":{"registry":"cr.example.org","path":"a","tag":"1"},"architecture":"x86_64","registry":{"name":"cr.example.org"}}`

func TestTheSameCallTwiceIsWorkedOnce(t *testing.T) {
	p := newPair(t)
	m := newManager(t, p.broker)
	h := hold(p.fake, porttest.OpPull)
	m.ask("pull", "c1", pullOfOne)
	receive(t, h.arrived)
	m.ask("pull", "c1", pullOfOne) // while it runs
	m.ask("inventory", "c2", "")
	require.Equal(t, "c2", m.next().Call)
	close(h.letGo)
	require.Equal(t, heardFrame{V: 1, Call: "c1", Seq: 1, Kind: "done"}, m.next())
	m.ask("pull", "c1", pullOfOne) // and when it is over
	m.ask("inventory", "c3", "")
	require.Equal(t, "c3", m.next().Call)
	require.Len(t, p.fake.Calls(porttest.OpPull), 1)
}

func TestANodeSendsNoMoreThanIsRead(t *testing.T) {
	want := images(2000)
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = porttest.NewAgent(nil, want...) })
	m := newManager(t, p.broker)
	m.ask("inventory", "c1", "")
	var got []domain.InventoryImage
	for n := 1; ; n++ {
		f := m.next()
		require.Equal(t, n, f.Seq)
		if f.Kind == "done" {
			break
		}
		got = append(got, f.Images...)
		if n < 4 || len(got) == len(want) {
			continue
		}
		var sign heardFrame
		require.NoError(t, json.Unmarshal(receive(t, m.answers).Data, &sign))
		require.Equal(t, heardFrame{V: 1, Call: "c1", Seq: n, Kind: "alive"}, sign, "the node waits for its reader")
		require.NoError(t, m.conn.Publish("wharf.note.node1", []byte(`{"v":1,"reply":"wharf.reply.node1.test.c1","read":`+strconv.Itoa(n-3)+`}`)))
	}
	require.Equal(t, want, got)
}

func TestAReaderThatLeavesLeavesNothingBehind(t *testing.T) {
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = porttest.NewAgent(nil, images(2000)...) })
	m := newManager(t, p.broker)
	for _, call := range []string{"c1", "c2", "c3"} { // more than run at once
		m.ask("inventory", call, "")
		for range 4 {
			require.Equal(t, call, m.next().Call)
		}
		require.NoError(t, m.conn.Publish("wharf.note.node1", []byte(`{"v":1,"reply":"wharf.reply.node1.test.`+call+`","withdrawn":true}`)))
		require.Equal(t, "failed", m.next().Kind)
	}
	inv, err := p.Inventory(t.Context())
	require.NoError(t, err)
	require.Len(t, inv.Images, 2000)
}

func TestALimitHoldsWithoutAManager(t *testing.T) {
	p := newPair(t)
	m := newManager(t, p.broker)
	h := hold(p.fake, porttest.OpPull)
	m.ask("pull", "c1", `,"limit_ms":50`+pullOfOne)
	require.Equal(t, domain.CodeTimeout, m.next().Failed.Problem.Code)
	require.ErrorIs(t, receive(t, h.ended), context.DeadlineExceeded)
}

func TestAsksThatMakeNoSenseAreRefused(t *testing.T) {
	p := newPair(t)
	m := newManager(t, p.broker)
	for name, c := range map[string][2]string{
		"another version":     {"inventory", `{"v":2,"call":"c"}`},
		"no JSON":             {"inventory", `{`},
		"an unknown thing":    {"dance", `{"v":1,"call":"c"}`},
		"a pull of nothing":   {"pull", `{"v":1,"call":"c"}`},
		"two things at once":  {"remove", `{"v":1,"call":"c","remove":{}` + pullOfOne + `}`},
		"more than one takes": {"inventory", `{"v":1,"call":"` + strings.Repeat("x", fleet.LongestAsk) + `"}`},
	} {
		m.send(c[0], "c", c[1])
		f := m.next()
		require.Equal(t, "failed", f.Kind, name)
		require.Equal(t, []string{"unavailable", "agent_ask_invalid"}, []string{string(f.Failed.Problem.Code), f.Failed.Problem.Reason}, name)
	}
	for _, nonsense := range []string{"", "{", `{"v":2,"reply":"x"}`, `{"v":1,"reply":"x","withdrawn":true}`, strings.Repeat("x", 1<<19)} {
		require.NoError(t, m.conn.Publish("wharf.note.node1", []byte(nonsense)))
	}
	elsewhere := overhear(t, p.broker, "wharf.reply.node2.>")
	require.NoError(t, m.conn.Publish("wharf.ask.node1.inventory", []byte(`{"v":1,"call":"c"}`)))
	require.NoError(t, m.conn.PublishRequest("wharf.ask.node1.inventory", "wharf.reply.node2.test.c", []byte(`{"v":1,"call":"c"}`)))
	require.NoError(t, m.conn.Flush())
	_, err := p.Inventory(t.Context())
	require.NoError(t, err, "the node goes on")
	require.Empty(t, m.answers, "nothing more was answered")
	require.Empty(t, elsewhere, "a node speaks for itself")
}

func TestANodeAnswersOnceForAllItsProcesses(t *testing.T) {
	b, fake := newBroker(t), porttest.NewAgent(nil)
	for range 3 {
		serveAs(t, b, "node1", fake)
	}
	a := open(t, b.connect(t), fleet.Options{}, "node1")
	for range 20 {
		_, err := a.Pull(t.Context(), request("1"), nil)
		require.NoError(t, err)
	}
	require.Len(t, fake.Calls(porttest.OpPull), 20)
}

// reporting is an agent whose pulls report a lot.
type reporting struct {
	*porttest.Agent
	pull func(context.Context, domain.Progress)
}

func (r reporting) Pull(ctx context.Context, _ domain.PullRequest, p domain.Progress) (domain.PullOutcome, error) {
	r.pull(ctx, p)
	return domain.PullOutcome{}, nil
}

func TestProgressIsThinnedOutAndTheNewestWins(t *testing.T) {
	const steps = 100_000
	begun := time.Now()
	pull := func(_ context.Context, p domain.Progress) {
		for i := range int64(steps) {
			p.Report(i+1, steps, "")
		}
	}
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = reporting{porttest.NewAgent(nil), pull} })
	var got []domain.ProgressStep
	_, err := p.Pull(t.Context(), request("1"), func(s domain.ProgressStep) { got = append(got, s) })
	require.NoError(t, err)
	require.LessOrEqual(t, len(got), 2+int(time.Since(begun)/(200*time.Millisecond)))
	require.Equal(t, int64(1), got[0].Current, "the first step comes at once")
	require.Equal(t, domain.ProgressStep{Current: steps, Total: steps}, got[len(got)-1])
}

func TestAStepThatIsTheLastForLongComesWithTheSignOfLife(t *testing.T) {
	letGo := make(chan struct{})
	pull := func(_ context.Context, p domain.Progress) {
		p.Report(1, 10, "")
		p.Report(2, 10, "")
		<-letGo
	}
	p := newPair(t, func(n *fleet.Node, o *fleet.Options) {
		o.Silence = 2 * time.Second
		n.Agent = reporting{porttest.NewAgent(nil), pull}
	})
	_, err := p.Pull(t.Context(), request("1"), func(s domain.ProgressStep) {
		if s.Current == 2 {
			close(letGo)
		}
	})
	require.NoError(t, err)
}

func TestNobodyIsToldWhatNobodyLooksAt(t *testing.T) {
	silent := make(chan bool, 1)
	pull := func(_ context.Context, p domain.Progress) { silent <- p == nil }
	p := newPair(t, func(n *fleet.Node, _ *fleet.Options) { n.Agent = reporting{porttest.NewAgent(nil), pull} })
	_, err := p.Pull(t.Context(), request("1"), nil)
	require.NoError(t, err)
	require.True(t, receive(t, silent))
}

// recording is an agent that shows what it was asked.
type recording struct {
	*porttest.Agent
	requests chan<- domain.PullRequest
}

func (r recording) Pull(_ context.Context, q domain.PullRequest, _ domain.Progress) (domain.PullOutcome, error) {
	r.requests <- q
	return domain.PullOutcome{}, nil
}
