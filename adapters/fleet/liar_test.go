package fleet_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// liar is a node that answers with whatever it is told: CALL in a frame stands
// for the call.
func liar(tb testing.TB, b *broker, id string, frames ...string) {
	tb.Helper()
	conn := b.connect(tb)
	_, err := conn.Subscribe("wharf.ask."+id+".*", func(m *nats.Msg) {
		for _, f := range frames {
			_ = conn.Publish(m.Reply, []byte(strings.ReplaceAll(f, "CALL", callOf(m))))
		}
	})
	require.NoError(tb, err)
	require.NoError(tb, conn.Flush())
}

func callOf(ask *nats.Msg) string { return ask.Reply[strings.LastIndex(ask.Reply, ".")+1:] }

// frame writes a frame by hand.
func frame(seq int, kind, more string) string {
	return fmt.Sprintf(`{"v":1,"call":"CALL","seq":%d,"kind":%q%s}`, seq, kind, more)
}

const (
	pulled = `,"pulled":{"digest":"sha256:x","size_bytes":1}`
	part   = `,"images":[{"canonical":"a","architecture":"x86_64","digest":"","size_bytes":1}]`
)

func inventoryOf(tb testing.TB, a port.Agent) error {
	inv, err := a.Inventory(tb.Context())
	if err != nil {
		require.Empty(tb, inv.Images)
	}
	return err
}

func pullOf(tb testing.TB, a port.Agent) error {
	_, err := a.Pull(tb.Context(), request("1"), nil)
	return err
}

func removalOf(tb testing.TB, a port.Agent) error {
	_, err := a.Remove(tb.Context(), domain.RemoveRequest{Canonical: "x", Architecture: "x86_64"})
	return err
}

func TestAnswersThatMakeNoSenseAreUnavailable(t *testing.T) {
	b := newBroker(t, func(o *server.Options) { o.MaxPayload = 8 << 20 }) // more than nodes and managers want
	huge := strings.Repeat("x", fleet.LongestFrame/2)
	for name, c := range map[string]struct {
		do     func(testing.TB, port.Agent) error
		frames []string
	}{
		"nothing":                    {inventoryOf, []string{""}},
		"no JSON":                    {inventoryOf, []string{"\x00\xff{"}},
		"another type":               {inventoryOf, []string{`[1,2]`}},
		"deeply nested":              {inventoryOf, []string{strings.Repeat("[", 1<<19)}},
		"another version":            {inventoryOf, []string{strings.Replace(frame(1, "done", ""), `"v":1`, `"v":2`, 1)}},
		"no version":                 {inventoryOf, []string{strings.Replace(frame(1, "done", ""), `"v":1,`, ``, 1)}},
		"another call":               {inventoryOf, []string{strings.Replace(frame(1, "done", ""), "CALL", "CALL0", 1)}},
		"an unknown kind":            {inventoryOf, []string{frame(1, "finished", "")}},
		"an end without its number":  {inventoryOf, []string{frame(0, "done", "")}},
		"a lost part":                {inventoryOf, []string{frame(1, "part", part), frame(3, "part", part), frame(4, "done", "")}},
		"a lost part before a sign":  {inventoryOf, []string{frame(1, "part", part), frame(2, "alive", "")}},
		"a lost part before the end": {inventoryOf, []string{frame(1, "part", part), frame(3, "done", "")}},
		"a part twice":               {inventoryOf, []string{frame(1, "part", part), frame(1, "part", part)}},
		"a negative number":          {inventoryOf, []string{frame(-1, "part", part)}},
		"a part of nothing":          {inventoryOf, []string{frame(1, "part", ""), frame(2, "done", "")}},
		"a negative size":            {inventoryOf, []string{frame(1, "part", strings.Replace(part, ":1}", ":-1}", 1)), frame(2, "done", "")}},
		"too many images":            {inventoryOf, tooMany()},
		"a frame that is too long":   {inventoryOf, []string{frame(1, "part", strings.Replace(part, `"a"`, `"`+huge+huge+`"`, 1))}},
		"a frame beyond all bounds":  {inventoryOf, []string{frame(1, "part", strings.Replace(part, `"a"`, `"`+strings.Repeat(huge, 12)+`"`, 1))}},
		"progress of nothing":        {pullOf, []string{frame(0, "progress", "")}},
		"no outcome of a pull":       {pullOf, []string{frame(1, "done", "")}},
		"a pull of less than zero":   {pullOf, []string{frame(1, "done", strings.Replace(pulled, ":1}", ":-1}", 1))}},
		"no outcome of a removal":    {removalOf, []string{frame(1, "done", pulled)}},
		"less than zero freed":       {removalOf, []string{frame(1, "done", `,"removed":{"freed_bytes":-1}`)}},
		"no error":                   {pullOf, []string{frame(1, "failed", "")}},
		"an unknown code":            {pullOf, []string{frame(1, "failed", `,"failed":{"problem":{"code":"ok","reason":"x","message":""}}`)}},
		"no code":                    {pullOf, []string{frame(1, "failed", `,"failed":{"problem":{"reason":"x","message":""}}`)}},
		"no reason":                  {pullOf, []string{frame(1, "failed", `,"failed":{"problem":{"code":"conflict","message":""}}`)}},
		"a reason that is none":      {pullOf, []string{frame(1, "failed", `,"failed":{"problem":{"code":"conflict","reason":"a b","message":""}}`)}},
		"a wait of less than zero":   {pullOf, []string{frame(1, "failed", `,"failed":{"problem":{"code":"conflict","reason":"a"},"retry_ms":-1}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			id := "liar-" + strings.ReplaceAll(name, " ", "-")
			liar(t, b, id, c.frames...)
			notes := overhear(t, b, "wharf.note."+id)
			a := open(t, b.connect(t), fleet.Options{}, domain.AgentID(id))
			fails(t, c.do(t, a), domain.CodeUnavailable, "agent_reply_invalid")
			for withdrawn := false; !withdrawn; {
				var n struct{ Withdrawn bool }
				require.NoError(t, json.Unmarshal(receive(t, notes).Data, &n), "the node is told to stop")
				withdrawn = n.Withdrawn
			}
		})
	}
}

// tooMany is an inventory of one image too many, in frames that are short.
func tooMany() (frames []string) {
	const each = 10_000
	for n := range fleet.MostImages/each + 1 {
		frames = append(frames, frame(n+1, "part", `,"images":[{}`+strings.Repeat(`,{}`, each-1)+`]`))
	}
	return frames
}

// A node that never stops talking takes no memory: what is not read in time ends
// the call.
func TestAFloodEndsTheCall(t *testing.T) {
	b := newBroker(t)
	conn := b.connect(t)
	flood := frame(0, "progress", `,"progress":{"current":1,"total":0,"message":"`+strings.Repeat("x", 10_000)+`"}`)
	_, err := conn.Subscribe("wharf.ask.*.*", func(m *nats.Msg) {
		frames := slices.Repeat([]string{flood}, 2000)
		if strings.HasSuffix(m.Subject, ".inventory") {
			frames = []string{frame(1, "done", "")}
		}
		for _, f := range frames {
			_ = conn.Publish(m.Reply, []byte(strings.ReplaceAll(f, "CALL", callOf(m))))
		}
	})
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	a := open(t, b.connect(t), fleet.Options{Silence: time.Hour}, "liar")
	stuck, letGo := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		first := true
		_, err := a.Pull(t.Context(), request("1"), func(domain.ProgressStep) {
			if first {
				first = false
				close(stuck)
				<-letGo
			}
		})
		done <- err
	}()
	receive(t, stuck)
	require.NoError(t, inventoryOf(t, a)) // its answer comes behind the flood
	close(letGo)
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_reply_invalid")
}

func TestProgressOfALiarOnlyGrows(t *testing.T) {
	b := newBroker(t)
	step := func(current, total int) string {
		return frame(0, "progress", fmt.Sprintf(`,"progress":{"current":%d,"total":%d,"message":"a\u001b[1mb"}`, current, total))
	}
	liar(t, b, "liar", step(1, 10), step(-1, 10), step(5, 3), step(5, 10), step(4, 10), step(5, -1), step(6, 0), frame(1, "done", pulled))
	var steps []domain.ProgressStep
	_, err := open(t, b.connect(t), fleet.Options{}, "liar").Pull(t.Context(), request("1"), func(s domain.ProgressStep) { steps = append(steps, s) })
	require.NoError(t, err)
	require.Equal(t, []domain.ProgressStep{{Current: 1, Total: 10, Message: "a[1mb"}, {Current: 5, Total: 10, Message: "a[1mb"}, {Current: 6, Message: "a[1mb"}}, steps)
}

func TestAnErrorOfALiarIsSafeToShow(t *testing.T) {
	b := newBroker(t)
	liar(t, b, "liar", frame(1, "failed", `,"failed":{"problem":{"code":"rate_limited","reason":"x","on":"a\u001b[31m`+strings.Repeat("x", 9000)+
		`","message":"one\ntwo\u202e`+strings.Repeat("x", 9000)+`"},"retry_ms":9223372036854775807}`))
	err := pullOf(t, open(t, b.connect(t), fleet.Options{}, "liar"))
	fails(t, err, domain.CodeRateLimited, "x")
	require.True(t, strings.HasPrefix(domain.OnOf(err), "a[31mx") && len(domain.OnOf(err)) < 1100)
	require.True(t, strings.HasPrefix(domain.MessageOf(err), "one twox") && len(domain.MessageOf(err)) < 4200)
	require.Equal(t, time.Hour, domain.RetryAfterOf(err))
}

// byHand is a node that a test plays: the first ask to it, and a way to answer.
type byHand struct {
	ask   *nats.Msg
	notes <-chan *nats.Msg
	send  func(frame string)
}

// playing asks node1 for its inventory and returns the node's end.
func playing(t *testing.T, b *broker) (n byHand, done <-chan error) {
	t.Helper()
	conn, asks, ended := b.connect(t), make(chan *nats.Msg, 1), make(chan error, 1)
	n.notes = overhear(t, b, "wharf.note.node1")
	_, err := conn.ChanSubscribe("wharf.ask.node1.*", asks)
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	a := open(t, b.connect(t), fleet.Options{}, "node1")
	go func() { ended <- inventoryOf(t, a) }()
	n.ask = receive(t, asks)
	n.send = func(f string) {
		require.NoError(t, conn.Publish(n.ask.Reply, []byte(strings.ReplaceAll(f, "CALL", callOf(n.ask)))))
	}
	return n, ended
}

func TestAnAnswerThatIsTooLongIsGivenUp(t *testing.T) {
	n, done := playing(t, newBroker(t))
	long := strings.Replace(part, `"a"`, `"`+strings.Repeat("x", fleet.LongestFrame-1000)+`"`, 1)
	for i := range fleet.LongestAnswer/fleet.LongestFrame + 1 {
		n.send(frame(i+1, "part", long))
		receive(t, n.notes)
	}
	fails(t, receive(t, done), domain.CodeUnavailable, "agent_reply_invalid")
}

// A note that got lost does not leave the node waiting.
func TestASignOfLifeIsAnsweredWithHowFarItWasRead(t *testing.T) {
	n, done := playing(t, newBroker(t))
	for _, f := range []string{frame(1, "part", part), frame(1, "alive", ""), frame(2, "part", part), frame(2, "alive", "")} {
		n.send(f)
		require.JSONEq(t, fmt.Sprintf(`{"v":1,"reply":%q,"read":%s}`, n.ask.Reply, f[len(`{"v":1,"call":"CALL","seq":`):][:1]), string(receive(t, n.notes).Data))
	}
	n.send(frame(3, "done", ""))
	require.NoError(t, receive(t, done))
}

func TestOneNodeCannotAnswerForAnother(t *testing.T) {
	b := newBroker(t)
	conn := b.connect(t)
	asks := make(chan *nats.Msg, 1)
	_, err := conn.ChanSubscribe("wharf.ask.honest.*", asks)
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	a := open(t, b.connect(t), fleet.Options{}, "honest")
	done := make(chan error, 1)
	go func() { done <- inventoryOf(t, a) }()
	m := receive(t, asks)
	answer := []byte(strings.ReplaceAll(frame(1, "failed", `,"failed":{"problem":{"code":"conflict","reason":"forged"}}`), "CALL", callOf(m)))
	require.NoError(t, conn.Publish(strings.Replace(m.Reply, ".honest.", ".liar.", 1), answer))
	require.NoError(t, conn.Publish(m.Reply+"0", answer)) // of no call
	require.NoError(t, conn.Publish(m.Reply, []byte(strings.ReplaceAll(frame(1, "done", ""), "CALL", callOf(m)))))
	require.NoError(t, receive(t, done))
}
