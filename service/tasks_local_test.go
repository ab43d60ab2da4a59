package service

import (
	"testing"
	"time"

	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestLocalTasks(t *testing.T) {
	porttest.RunTasks(t, porttest.TasksHarness{
		Bulk: newLocalTasks().bulk,
		New: func(testing.TB, time.Duration) func() port.Tasks {
			t := newLocalTasks() // there is one process
			return func() port.Tasks { return t }
		},
	})
}
