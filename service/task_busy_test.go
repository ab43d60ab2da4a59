package service_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/porttest"
)

func TestAnInteractiveTaskStartsAtOnceWhileBulkWorkGoesOn(t *testing.T) {
	t.Parallel()
	const repositories = 20_000
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.node("a", "x86_64", img)
	waiting := f.images(4)
	f.node("slow", "x86_64").SetHook(func(ctx context.Context, op, _ string) error {
		if op == porttest.OpPull {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	reg := f.registries[fleetHost]
	for i := range repositories {
		reg.Push(porttest.RegistryContent{Repository: fmt.Sprintf("r%05d", i), Images: []porttest.RegistryImage{{Architecture: "amd64"}}})
	}
	half, over := make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	reg.SetHook(func(ctx context.Context, op, _ string) error {
		if op != porttest.OpTags || asked.Add(1) < repositories/2 {
			return nil
		}
		if asked.Load() == repositories/2 {
			close(half)
		}
		select {
		case <-over:
		case <-ctx.Done():
		}
		return ctx.Err()
	})
	runTasks(t, f.ImageService)
	rescan, err := f.RescanImages(f.root, actions.RescanImagesAction{Background: true})
	require.NoError(t, err)
	<-half
	for _, i := range waiting { // more bulk work than anybody can do at once
		_, err := f.PreloadImages(f.root, actions.PreloadImagesAction{Images: fleetKey("", i.Canonical()).Images, TargetAgents: "slow", Background: true})
		require.NoError(t, err)
	}
	res, err := f.UnloadImages(f.root, actions.UnloadImagesAction{Images: fleetKey("", img.Canonical()).Images, TargetAgents: "a", Background: true})
	require.NoError(t, err)
	task, _ := f.ended(res.TaskID)
	require.Equal(t, domain.TaskAccount{Seen: 1, Done: 1}, task.Account)
	require.Less(t, task.StartedAt.Sub(task.CreatedAt), time.Second)

	got, err := f.GetTask(f.root, actions.GetTaskAction{TaskID: rescan.TaskID})
	require.NoError(t, err)
	require.Equal(t, domain.TaskRunning, got.Task.State, "it is still at it")
	close(over)
	task, _ = f.ended(rescan.TaskID)
	require.Equal(t, domain.TaskDone, task.State, "%+v", task.Problem)
	require.GreaterOrEqual(t, task.Account.Seen, repositories)
}
