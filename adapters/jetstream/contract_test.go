package jetstream_test

import (
	"testing"
	"time"

	"github.com/wharf-project/wharf/adapters/jetstream"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestTasks(t *testing.T) {
	porttest.RunTasks(t, porttest.TasksHarness{Bulk: 2, New: func(tb testing.TB, redelivery time.Duration) func() port.Tasks {
		s := startNATS(tb)
		return func() port.Tasks {
			return jetstream.New(s.connect(), jetstream.Options{Redelivery: redelivery})
		}
	}})
}
