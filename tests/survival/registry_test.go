package survival_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// A task is done when its work is. What an inline rescan says in its result, a
// task must say in its state: nobody reads the result.
func TestARescanWhoseRegistryGoesAwayIsNotDone(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]string{
		"before the listing": "", "in the middle of the listing": "app-005", "before the last repository is read": "app-009:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onSQLite(t)
			registry, _ := library(10)
			registry.SetHook(func(_ context.Context, op, key string) error {
				if op != porttest.OpDescribe && key == breaks {
					return domain.Errorf(domain.CodeUnavailable, "registry_failed", host, "the registry does not answer")
				}
				return nil
			})
			cfg := config(s.store, registry, nil)
			cfg.Work = service.Work{Flush: 5 * time.Millisecond, Redelivery: 100 * time.Millisecond}
			svc, err := service.New(cfg)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			stopped := make(chan struct{})
			go func() {
				defer close(stopped)
				_ = service.NewRunner(svc).Run(ctx)
			}()
			t.Cleanup(func() { cancel(); <-stopped })

			res, err := svc.RescanImages(s.root, actions.RescanImagesAction{Background: true})
			require.NoError(t, err)
			task, events := s.ended(t, res.TaskID)
			s.addsUp(t, task, events)
			t.Logf("%s: %+v, %+v", task.State, task.Account, task.Problem)
			require.Contains(t, []domain.TaskState{domain.TaskPartial, domain.TaskFailed}, task.State)
		})
	}
}
