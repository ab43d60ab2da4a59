package fleet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/fleet"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

// guarded is a server that knows its nodes and grants each no more than it needs.
func guarded(nodes ...domain.AgentID) func(*server.Options) {
	return func(o *server.Options) {
		o.Users = []*server.User{{Username: "manager", Password: "manager", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"wharf.ask.>", "wharf.note.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"wharf.reply.>", "wharf.beat.>"}},
		}}}
		for _, id := range nodes {
			publish, subscribe := fleet.Permissions(id)
			o.Users = append(o.Users, &server.User{Username: string(id), Password: string(id), Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe},
			}})
		}
	}
}

func TestPermissionsAreEnoughForANode(t *testing.T) {
	b := newBroker(t, guarded("node.1"))
	violations := make(chan error, 16)
	note := nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err })
	want := images(1000)
	serve(t, b, b.connect(t, append(credentials("node.1"), note)...), fleet.Node{ID: "node.1", Agent: porttest.NewAgent(nil, want...)})
	a := open(t, b.connect(t, append(credentials("manager"), note)...), fleet.Options{}, "node.1")
	require.NoError(t, pullOf(t, a))
	inv, err := a.Inventory(t.Context())
	require.NoError(t, err)
	require.Len(t, inv.Images, 1001)
	require.ErrorIs(t, removalOf(t, a), domain.ErrNotFound)
	require.Empty(t, violations)
}

func TestPermissionsAreForNothingElse(t *testing.T) {
	b := newBroker(t, guarded("honest", "liar", "liar.2"))
	fake := porttest.NewAgent(nil)
	serve(t, b, b.connect(t, credentials("honest")...), fleet.Node{ID: "honest", Agent: fake, Every: time.Hour})
	replies, beats := overhear(t, b, "wharf.reply.>"), overhear(t, b, "wharf.beat.>")

	for _, user := range []string{"liar", "liar.2"} {
		violations := make(chan string, 64)
		liar := b.connect(t, append(credentials(user), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err.Error() }))...)
		for _, subject := range []string{
			"wharf.beat.honest", "wharf.reply.honest.m.1", "wharf.ask.honest.pull", "wharf.note.honest", "_INBOX.x",
			"wharf.ask." + user + ".pull", "wharf.beat." + user + ".x", "wharf.reply.*.m.1", "wharf.reply.x" + user + ".m.1",
		} {
			require.NoError(t, liar.Publish(subject, []byte(`{"v":1,"process":"AAAA","bye":true}`)))
			require.Contains(t, receive(t, violations), `Publish to "`+subject+`"`)
		}
		heard := make(chan *nats.Msg, 16)
		for _, subject := range []string{
			"wharf.ask.honest.*", "wharf.ask.*.*", "wharf.>", ">", "wharf.note.honest", "wharf.note.*",
			"wharf.reply.>", "wharf.reply." + fleet.Token(domain.AgentID(user)) + ".>", "wharf.beat.>",
		} {
			_, err := liar.ChanSubscribe(subject, heard)
			require.NoError(t, err)
			_, err = liar.ChanQueueSubscribe(subject, "wharf", heard)
			require.NoError(t, err)
			for range 2 {
				require.Contains(t, receive(t, violations), `Subscription to "`+subject+`"`)
			}
		}
		require.NoError(t, pullOf(t, open(t, b.connect(t, credentials("manager")...), fleet.Options{}, "honest")))
		require.NoError(t, liar.Flush())
		require.Empty(t, heard)
	}
	for len(replies) > 0 {
		require.True(t, strings.HasPrefix((<-replies).Subject, "wharf.reply.honest."))
	}
	for len(beats) > 0 {
		require.NotContains(t, string((<-beats).Data), "AAAA")
	}
}
