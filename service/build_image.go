package service

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

func (s *BuildService) buildImage(ctx context.Context, db repository.Scoped, a actions.BuildImageAction) (res actions.BuildImageResult, err error) {
	source, err := db.Read().Builds.Buildable(ctx, a.Kind(), a.ModelID+a.PipelineID)
	if err != nil {
		return res, err
	}
	if a.Background {
		a.Background = false
		body, err := json.Marshal(a)
		if err != nil {
			return res, domain.Internal("task", err)
		}
		task, err := s.tasks.submit(ctx, db, repository.NewTask{Kind: a.Spec().Name, Action: body, Class: a.Spec().Class})
		return actions.BuildImageResult{TaskID: task.ID}, err
	}
	m := newMeter(ctx)
	b := &building{service: s, db: db, action: a, source: source, meter: m, builder: domain.NewID[string](), done: func() {}}
	b.key = fmt.Sprintf("%s/%d/%s", source.Kind, source.ID, a.Name)
	if m.task != nil {
		b.builder = string(m.task.id)
		if !m.task.pending(b.key) {
			return res, nil // an earlier attempt came to its end
		}
	}
	m.add(1)
	m.task.plan(1)
	defer func() { b.done() }()
	err = b.run(ctx)
	item := domain.TaskItem{Key: b.key, State: domain.ItemDone, Problem: domain.ProblemOf(err)}
	if err != nil {
		item.State = domain.ItemFailed
	}
	m.task.commit(ctx, item)
	m.step(b.key)
	return actions.BuildImageResult{Image: &b.row}, err
}

// building is one build: by one call, or by all attempts at one task.
type building struct {
	service *BuildService
	db      repository.Scoped
	action  actions.BuildImageAction
	source  domain.Buildable
	meter   *meter
	key     string
	builder string

	host    domain.Agent // zero with an address
	address string       // of the store in the place of the host; "": the host's
	store   port.Builder
	pusher  port.Pusher
	done    func() // closes the store; never nil
	request domain.BuildRequest
	push    domain.PushRequest
	before  *domain.BuiltImage // nil: the row is new
	row     domain.BuiltImage
}

func (b *building) run(ctx context.Context) error {
	built, err := b.look(ctx)
	if err != nil {
		return err
	}
	if !built {
		if err := b.prepare(ctx); err != nil {
			return err
		}
		if err := b.claim(ctx); err != nil || b.action.SkipBuild {
			return err
		}
		if err := b.build(ctx); err != nil {
			return err
		}
	}
	if b.action.Push {
		return b.send(ctx)
	}
	return nil
}

// look finds the row of an earlier build and says whether this one is over: by
// an earlier attempt at the same task.
func (b *building) look(ctx context.Context) (built bool, err error) {
	row, err := b.db.Read().Builds.ImageNamed(ctx, b.source.ID, b.action.Name)
	if domain.CodeOf(err) == domain.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mine := row.Builder == b.builder
	if mine && row.State == domain.BuildDone {
		b.row, b.before = row, &row
		if b.action.Push {
			err = b.prepare(ctx)
		}
		return true, err
	}
	abandoned := row.State == domain.BuildRunning && (mine || b.service.now().Sub(row.UpdatedAt) > b.service.build.Timeout+settleTimeout)
	fresh := abandoned && row.Digest == ""
	switch {
	case row.State == domain.BuildRunning && !abandoned:
		return false, errBuilding(row.Name)
	case !b.action.Overwrite && !fresh && !mine:
		return false, domain.Errorf(domain.CodeConflict, "image_exists", row.Name, "there is an image of that name already: %s", row.Name)
	}
	b.before = &row
	return false, b.elsewhere(row)
}

// elsewhere refuses to build in another place than that which holds the image.
func (b *building) elsewhere(row domain.BuiltImage) error {
	asked, err := lasting(b.action.Store)
	if err != nil {
		return err
	}
	switch agent := b.action.AgentID; {
	case row.AgentID != "" && (asked != "" || agent != "" && agent != row.AgentID):
		return domain.Errorf(domain.CodePrecondition, "image_elsewhere", string(row.AgentID), "%s is on the agent %s; delete it to build it in another place", row.Name, row.AgentID)
	case row.Store != "" && (agent != "" || asked != "" && asked != row.Store):
		return domain.Errorf(domain.CodePrecondition, "image_elsewhere", row.Store, "%s is in the store %s; delete it to build it in another place", row.Name, domain.Quote(row.Store))
	}
	return nil
}

// prepare checks all that can be checked before there is a row.
func (b *building) prepare(ctx context.Context) (err error) {
	s := b.service
	if b.action.SkipBuild {
		return nil
	}
	place, err := b.open(ctx)
	if err != nil {
		return err
	}
	var can bool
	if b.store, can = place.(port.Builder); !can {
		return errUnsupported(b.host, b.address, "build images")
	}
	b.request.Architecture = b.host.Architecture
	if b.request.Source, err = s.located(b.source.Source); err != nil {
		return err
	}
	if b.request.Base, err = s.base(ctx, b.db, b.source.Source); err != nil || !b.action.Push {
		return err
	}
	if b.pusher, can = place.(port.Pusher); !can {
		return errUnsupported(b.host, b.address, "push images")
	}
	if b.push.Remote, err = s.names.parser.Parse(b.action.Remote); err != nil {
		return err
	}
	if b.push.Remote.Digest != "" {
		return domain.Invalid("build_push", "remote", "an image is pushed to a tag, not to a digest")
	}
	b.push.Registry, err = s.reachable(ctx, b.db, b.push.Remote)
	return err
}

// open opens where to build: where the image is, else where the action says, else
// the agent that is configured.
func (b *building) open(ctx context.Context) (place any, err error) {
	s := b.service
	var agent domain.AgentID
	if b.before != nil {
		agent, b.address = b.before.AgentID, b.before.Store
	}
	if agent == "" && b.address == "" {
		if b.address, err = lasting(b.action.Store); err != nil {
			return nil, err
		}
	}
	switch {
	case b.address != "":
		store, done, err := atHand(ctx, s.local, b.address)
		if err != nil {
			return nil, err
		}
		b.done = done
		return store, nil
	case agent != "":
		b.host, err = b.db.Read().Builds.Host(ctx, agent)
	default:
		b.host, err = s.host(ctx, b.db, b.action.AgentID)
	}
	if err != nil {
		return nil, err
	}
	return s.opened(ctx, b.host)
}
