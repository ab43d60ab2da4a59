package docker

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/wharf-project/wharf/domain"
)

// containerForm is an engine's grammar for names of containers, which ids fit.
var containerForm = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$`)

// Containers implements port.Containers. The engine's own filter would return
// those of images that were built on these, too, so all are looked at. The oldest
// come first.
func (a *agent) Containers(ctx context.Context, images ...domain.Digest) ([]domain.Container, error) {
	if err := a.engine.begin(ctx, "containers"); err != nil {
		return nil, err
	}
	all, err := a.engine.containers(ctx)
	if err != nil {
		return nil, err
	}
	found := []domain.Container{}
	for _, c := range all {
		image := domain.Digest(idOf(c.ImageID))
		if !slices.Contains(images, image) {
			continue
		}
		found = append(found, domain.Container{
			ID: c.ID, Name: containerName(c), Image: image, ImageName: c.Image, Labels: c.Labels, CreatedAt: time.Unix(c.Created, 0).UTC(),
			Running: c.State == container.StateRunning || c.State == container.StatePaused || c.State == container.StateRestarting,
		})
	}
	slices.SortFunc(found, func(a, b domain.Container) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// Container implements port.Committer. A name serves as the id, too.
func (a *agent) Container(ctx context.Context, id string) (domain.Container, error) {
	if err := a.reachContainer(ctx, "container", id); err != nil {
		return domain.Container{}, err
	}
	is, err := a.engine.container(ctx, "container", id)
	if err != nil {
		return domain.Container{}, err
	}
	c := domain.Container{ID: is.ID, Name: strings.TrimPrefix(is.Name, "/"), Image: domain.Digest(idOf(is.Image))}
	if is.Config != nil {
		c.ImageName, c.Labels = is.Config.Image, is.Config.Labels
	}
	if is.State != nil {
		c.Running = is.State.Running || is.State.Restarting // a paused one runs, too
	}
	if at, err := time.Parse(time.RFC3339Nano, is.Created); err == nil {
		c.CreatedAt = at.UTC().Truncate(time.Second) // as in lists
	}
	return c, nil
}

// StopContainer implements port.Containers. It blocks for the grace period at
// most, ten seconds where the container has none of its own, and then the engine
// kills.
func (a *agent) StopContainer(ctx context.Context, id string) error {
	if err := a.reachContainer(ctx, "stop", id); err != nil {
		return err
	}
	return a.engine.stopContainer(ctx, id)
}

// RemoveContainer implements port.Containers. Volumes stay, whoever's they are.
// One that runs is conflict, reason container_running. One that somebody else
// removes already is waited for.
func (a *agent) RemoveContainer(ctx context.Context, id string) error {
	if err := a.reachContainer(ctx, "remove container", id); err != nil {
		return err
	}
	return a.engine.removeContainer(ctx, id)
}

// reachContainer is begin for what names a container. A name could be a path in
// the engine's API.
func (a *agent) reachContainer(ctx context.Context, op, id string) error {
	if !containerForm.MatchString(id) {
		return domain.Invalid(reasonContainer, "container", "not an id of a container: %s", domain.Quote(id))
	}
	return a.engine.begin(ctx, op)
}
