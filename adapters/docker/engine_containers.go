package docker

import (
	"cmp"
	"context"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
)

func (e *engine) stopContainer(ctx context.Context, id string) error {
	_, err := e.api().ContainerStop(ctx, id, client.ContainerStopOptions{})
	return e.containerError(ctx, "stop", err)
}

// removeContainer removes a container without force and without volumes.
func (e *engine) removeContainer(ctx context.Context, id string) error {
	_, err := e.api().ContainerRemove(ctx, id, client.ContainerRemoveOptions{})
	if !errdefs.IsConflict(err) || ctx.Err() != nil {
		return e.containerError(ctx, "remove container", err)
	}
	if !strings.Contains(err.Error(), "is already in progress") {
		out := domain.Errorf(domain.CodeConflict, reasonRunning, id, "the container runs; stop it first")
		out.Err = err
		return out
	}
	ctx, cancel := context.WithCancel(ctx) // ends what waits
	defer cancel()
	removed := e.api().ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-removed.Result:
		return nil
	case err := <-removed.Error:
		return e.containerError(ctx, "remove container", err)
	}
}

// containerError translates errors about a container; that it is gone is none.
func (e *engine) containerError(ctx context.Context, op string, err error) error {
	if err == nil || errdefs.IsNotFound(err) && ctx.Err() == nil {
		return nil
	}
	return e.translate(ctx, op, err)
}

// containerConfig is what a container was made with.
func (e *engine) containerConfig(ctx context.Context, id string) (*container.Config, error) {
	is, err := e.container(ctx, "commit", id)
	return cmp.Or(is.Config, &container.Config{}), err
}

func (e *engine) container(ctx context.Context, op, id string) (container.InspectResponse, error) {
	is, err := e.api().ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return container.InspectResponse{}, e.noContainer(ctx, op, id, err)
	}
	return is.Container, nil
}

// commit makes an image without a name.
func (e *engine) commit(ctx context.Context, id string, config *container.Config) (string, error) {
	made, err := e.api().ContainerCommit(ctx, id, client.ContainerCommitOptions{Config: config})
	if err != nil {
		return "", e.noContainer(ctx, "commit", id, err)
	}
	return idOf(made.ID), nil
}

func (e *engine) noContainer(ctx context.Context, op, id string, err error) error {
	if errdefs.IsNotFound(err) && ctx.Err() == nil {
		return domain.NotFound("container", id)
	}
	return e.translate(ctx, op, err)
}
