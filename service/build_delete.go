package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

func (s *BuildService) deleteBuiltImage(ctx context.Context, db repository.Scoped, a actions.DeleteBuiltImageAction) (actions.DeleteBuiltImageResult, error) {
	res := actions.DeleteBuiltImageResult{Stopped: []domain.Container{}, Removed: []domain.Container{}, DryRun: a.DryRun}
	var err error
	if res.Image, err = db.Read().Builds.Image(ctx, a.ID); err != nil {
		return res, err
	}
	if !a.MetaOnly && (res.Image.AgentID != "" || res.Image.Store != "") {
		if err := s.clear(ctx, db, &res, a.Cascade); err != nil {
			return res, stoppedBefore(res, err)
		}
	}
	if a.DryRun {
		return res, nil
	}
	// A build that ended meanwhile has named its image anew: that row stays.
	_, err = written(ctx, db, func(ctx context.Context, b repository.BuildRepository) (any, error) {
		return nil, b.DeleteImage(ctx, a.ID, res.Image.Revision)
	})
	return res, stoppedBefore(res, err)
}

// holder opens what holds an image. A store may know no containers, as there are
// none of a layout: then they are nil. Whoever asked calls done.
func (s *BuildService) holder(ctx context.Context, db repository.Scoped, img domain.BuiltImage) (builder port.Builder, containers port.Containers, done func(), err error) {
	var host domain.Agent
	var place any
	if img.Store != "" {
		if s.local == nil {
			return nil, nil, nil, domain.Errorf(domain.CodePrecondition, "store_unavailable", img.Store, "the image is in %s, which this server does not have at hand; remove the row only", domain.Quote(img.Store))
		}
		if place, done, err = atHand(ctx, s.local, img.Store); err != nil {
			return nil, nil, nil, err
		}
	} else {
		host, err = db.Read().Builds.Host(ctx, img.AgentID)
		if domain.CodeOf(err) == domain.CodeNotFound {
			err = domain.Errorf(domain.CodePrecondition, "agent_removed", string(img.AgentID), "the agent %s that holds the image is not registered any more; remove the row only", img.AgentID)
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if place, err = s.opened(ctx, host); err != nil {
			return nil, nil, nil, err
		}
		done = func() {}
	}
	builder, can := place.(port.Builder)
	containers, knows := place.(port.Containers)
	if !can || !knows && img.Store == "" {
		done()
		return nil, nil, nil, errUnsupported(host, img.Store, "remove built images")
	}
	return builder, containers, done, nil
}

// clear takes the image off what holds it: containers first, since they use it.
func (s *BuildService) clear(ctx context.Context, db repository.Scoped, res *actions.DeleteBuiltImageResult, cascade bool) error {
	img := res.Image
	builder, containers, done, err := s.holder(ctx, db, img)
	if err != nil {
		return err
	}
	defer done()
	call := func(do func(ctx context.Context) error) error {
		ctx, cancel := context.WithTimeout(ctx, s.fleet.AgentCall)
		defer cancel()
		return safely(func() error { return do(ctx) })
	}
	var list []domain.Container
	if img.Digest != "" && containers != nil {
		err := call(func(ctx context.Context) (err error) {
			list, err = containers.Containers(ctx, img.Digest)
			return err
		})
		if err != nil {
			return err
		}
	}
	blocked := hasInstances(img, list)
	if blocked != nil && !cascade {
		if res.Blocked = domain.ProblemOf(blocked); res.DryRun {
			return nil
		}
		return blocked
	}
	for _, c := range list {
		if !cascade || c.Image != img.Digest { // whatever the agent says, no other's
			continue
		}
		if c.Running {
			if !res.DryRun {
				if err := call(func(ctx context.Context) error { return containers.StopContainer(ctx, c.ID) }); err != nil {
					return err
				}
			}
			res.Stopped = append(res.Stopped, c)
		}
		if !res.DryRun {
			if err := call(func(ctx context.Context) error { return containers.RemoveContainer(ctx, c.ID) }); err != nil {
				return err
			}
		}
		res.Removed = append(res.Removed, c)
	}
	if res.DryRun {
		return nil
	}
	return call(func(ctx context.Context) error { return builder.Untag(ctx, img.Local) })
}

// hasInstances names the containers that run an image; nil: none does.
func hasInstances(img domain.BuiltImage, list []domain.Container) error {
	var running []string
	for _, c := range list {
		if c.Running && c.Image == img.Digest {
			running = append(running, containerName(c))
		}
	}
	if len(running) == 0 {
		return nil
	}
	return domain.Errorf(domain.CodePrecondition, "image_has_instances", img.Name, "%d containers run %s: %s", len(running), img.Name, strings.Join(running, ", "))
}

func containerName(c domain.Container) string {
	if c.Name == "" {
		return c.ID
	}
	return c.Name
}

// stoppedBefore tells of a failure what was done before it.
func stoppedBefore(res actions.DeleteBuiltImageResult, err error) error {
	if err == nil || len(res.Stopped)+len(res.Removed) == 0 {
		return err
	}
	names := []string{}
	for _, c := range res.Stopped {
		names = append(names, containerName(c))
	}
	return &domain.Error{
		Code: domain.CodeOf(err), Reason: domain.ReasonOf(err), On: domain.OnOf(err), RetryAfter: domain.RetryAfterOf(err),
		Message: fmt.Sprintf("%s (stopped before: %s; removed: %d containers)", domain.MessageOf(err), strings.Join(names, ", "), len(res.Removed)),
		Err:     &actions.StoppedError{Stopped: res.Stopped, Removed: res.Removed, Err: err},
	}
}
