package jetstream

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

const (
	streamName  = "WHARF_TASKS"
	subjectRoot = "wharf.task."
	forgotten   = 24 * time.Hour // tickets that nobody took are offered again anyway

	createTimeout = 2 * time.Second // the answer may have died with its server
)

// create makes the stream and its consumers, or makes them what they should be.
func (t *Tasks) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	stream, err := t.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName, Description: "tickets of background tasks", Subjects: []string{subjectRoot + "*.*.*"},
		Retention: jetstream.WorkQueuePolicy, Storage: jetstream.MemoryStorage, Replicas: t.o.Replicas,
		MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		MaxAge: forgotten, MaxMsgSize: 4096,
	})
	if err != nil {
		return err
	}
	for _, class := range []domain.TaskClass{domain.TaskInteractive, domain.TaskBulk} {
		_, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: string(class), FilterSubject: subjectRoot + string(class) + ".*.*",
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: t.o.Redelivery, MaxDeliver: -1, MaxAckPending: -1,
			MemoryStorage: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// subject is the ticket's own; it is what keeps tickets apart.
func subject(t port.Ticket) (string, error) {
	if t.Class != domain.TaskInteractive && t.Class != domain.TaskBulk {
		return "", domain.Invalid("ticket_invalid", string(t.Task), "a ticket is interactive or bulk, not %s", domain.Quote(string(t.Class)))
	}
	if t.Task == "" || len(t.Task) > 100 || strings.ContainsFunc(string(t.Task), outOfSubject) {
		return "", domain.Invalid("ticket_invalid", string(t.Task), "the id of a task is letters, digits, '-' and '_'")
	}
	return fmt.Sprintf("%s%s.%s.%d", subjectRoot, t.Class, t.Task, t.Attempt), nil
}

func outOfSubject(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
