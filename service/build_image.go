package service

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// BuildImage builds an image. Errors: invalid, not_found for the model, pipeline
// or agent, conflict for a name that is taken (image_exists) or being built
// (image_building), precondition for what cannot be built here, and what the
// agent says; then no new row is left, and an old one is as it was. One that was
// built and could not be pushed stays, and the error is that of the push.
func (s *BuildService) BuildImage(ctx context.Context, a actions.BuildImageAction) (actions.BuildImageResult, error) {
	// A push goes to the installation's registries with the installation's
	// credentials, wherever its reference says.
	c := &Call{Spec: a.Spec(), Action: a, wholeStore: a.Push}
	return enter(ctx, s.door, c, func(ctx context.Context, c *Call) (actions.BuildImageResult, error) {
		return s.buildImage(ctx, s.door.scopedFor(c), a)
	})
}

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
	b := &building{service: s, db: db, action: a, source: source, meter: m, builder: domain.NewID[string]()}
	b.key = fmt.Sprintf("%s/%d/%s", source.Kind, source.ID, a.Name)
	if m.task != nil {
		b.builder = string(m.task.id)
		if !m.task.pending(b.key) {
			return res, nil // an earlier attempt came to its end
		}
	}
	m.add(1)
	m.task.plan(1)
	err = b.run(ctx)
	item := domain.TaskItem{Key: b.key, State: domain.ItemDone, Problem: domain.ProblemOf(err)}
	if err != nil {
		item.State = domain.ItemFailed
	}
	m.task.commit(ctx, item)
	m.step(b.row.FullName())
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

	host    domain.Agent
	agent   port.Builder
	pusher  port.Pusher
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
	case b.action.AgentID != "" && row.AgentID != "" && b.action.AgentID != row.AgentID:
		return false, domain.Errorf(domain.CodePrecondition, "image_elsewhere", string(row.AgentID), "%s is on the agent %s; delete it to build it on another one", row.Name, row.AgentID)
	}
	b.before = &row
	return false, nil
}

// prepare checks all that can be checked before there is a row.
func (b *building) prepare(ctx context.Context) (err error) {
	s := b.service
	if b.action.SkipBuild {
		return nil
	}
	if b.before != nil && b.before.AgentID != "" {
		b.host, err = b.db.Read().Builds.Host(ctx, b.before.AgentID)
	} else {
		b.host, err = s.host(ctx, b.db, b.action.AgentID)
	}
	if err != nil {
		return err
	}
	agent, err := s.opened(ctx, b.host)
	if err != nil {
		return err
	}
	can := false
	if b.agent, can = agent.(port.Builder); !can {
		return errUnsupported(b.host, "build images")
	}
	b.request.Architecture = b.host.Architecture
	if b.request.Source, err = s.located(b.source.Source); err != nil {
		return err
	}
	if b.request.Base, err = s.base(ctx, b.db, b.source.Source); err != nil || !b.action.Push {
		return err
	}
	if b.pusher, can = agent.(port.Pusher); !can {
		return errUnsupported(b.host, "push images")
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

// claim makes the row, or takes the old one. Nothing of an old one changes but
// that it is being built.
func (b *building) claim(ctx context.Context) (err error) {
	a := b.action
	b.row, err = written(ctx, b.db, func(ctx context.Context, builds repository.BuildRepository) (domain.BuiltImage, error) {
		state := domain.BuildRunning
		if a.SkipBuild {
			state = domain.BuildRegistered
		}
		if b.before != nil {
			row := *b.before
			if a.SkipBuild { // only what the row says changes
				row.Tag, row.Repository = cmp.Or(a.Tag, "latest"), a.Repository
				if state = row.State; state == domain.BuildRunning {
					state = settled(row)
				}
			}
			row.State, row.Builder, row.AgentID = state, b.builder, cmp.Or(row.AgentID, b.host.ID)
			return builds.SaveImage(ctx, row)
		}
		return builds.CreateImage(ctx, domain.BuiltImage{
			SourceKind: b.source.Kind, ModelID: a.ModelID, PipelineID: a.PipelineID, Name: a.Name,
			Tag: cmp.Or(a.Tag, "latest"), Repository: a.Repository,
			State: state, Builder: b.builder, AgentID: b.host.ID, Local: domain.NewLocalBuild(),
		})
	})
	if domain.ReasonOf(err) == "revision_changed" {
		return errBuilding(a.Name)
	}
	return err
}

// settled is the state of a row that nobody builds.
func settled(row domain.BuiltImage) domain.BuildState {
	if row.Digest != "" {
		return domain.BuildDone
	}
	return domain.BuildRegistered
}

// build has the agent build the image and finishes its row.
func (b *building) build(ctx context.Context) error {
	b.request.Name = b.row.Local
	// No two images have one configuration, so that their containers can be told
	// apart.
	b.request.Labels = map[string]string{domain.LabelBuild: b.row.Local}
	var out domain.BuildOutcome
	err := func() error {
		ctx, cancel := context.WithTimeout(ctx, b.service.build.Timeout)
		defer cancel()
		sink, over := b.sink(ctx)
		defer over()
		return safely(func() (err error) {
			out, err = b.agent.Build(ctx, b.request, sink)
			return err
		})
	}()
	if err == nil {
		if _, bad := domain.ParseDigest(string(out.Digest)); bad != nil {
			err = &domain.Error{Code: domain.CodeInternal, Reason: "digest_invalid", On: string(b.host.ID), Err: bad}
		}
	}
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err != nil {
		b.undo(settle)
		return err
	}
	return b.finish(settle, out)
}

// finish writes what was built. A row that was deleted meanwhile takes the image
// with it; one that somebody else took over has a builder.
func (b *building) finish(ctx context.Context, out domain.BuildOutcome) error {
	done, err := written(ctx, b.db, func(ctx context.Context, builds repository.BuildRepository) (domain.BuiltImage, error) {
		row := b.row
		row.State, row.Digest, row.AgentID = domain.BuildDone, out.Digest, b.host.ID
		row.Tag, row.Repository, row.RegistryHost = cmp.Or(b.action.Tag, "latest"), b.action.Repository, ""
		row.Pushed, row.ManifestDigest = "", ""
		return builds.SaveImage(ctx, row)
	})
	switch {
	case err == nil:
		b.row = done
	case domain.CodeOf(err) == domain.CodeNotFound:
		_ = safely(func() error { return b.agent.Untag(ctx, b.row.Local) })
		return domain.Errorf(domain.CodeConflict, "image_deleted", b.row.Name, "the image was deleted while it was built: %s", b.row.Name)
	case domain.ReasonOf(err) == "revision_changed":
		return errBuilding(b.row.Name)
	}
	return err
}

// undo brings the row back to what it was. A row that stays because the database
// is away is taken over later.
func (b *building) undo(ctx context.Context) {
	_, err := written(ctx, b.db, func(ctx context.Context, builds repository.BuildRepository) (domain.BuiltImage, error) {
		if b.fresh() {
			return b.row, builds.DeleteImage(ctx, b.row.ID, b.row.Revision)
		}
		row := b.row
		row.State, row.Builder = settled(row), ""
		return builds.SaveImage(ctx, row)
	})
	if err == nil && b.fresh() { // the agent may have been done when nobody listened any more
		_ = safely(func() error { return b.agent.Untag(ctx, b.row.Local) })
	}
}

// fresh reports whether the row is of this build, or of one that was left.
func (b *building) fresh() bool {
	return b.before == nil || b.before.State == domain.BuildRunning && b.before.Digest == ""
}

// send pushes what was built and notes where it is.
func (b *building) send(ctx context.Context) error {
	b.push.Local = b.row.Local
	var out domain.PushOutcome
	err := func() error {
		ctx, cancel := context.WithTimeout(ctx, b.service.fleet.AgentPull)
		defer cancel()
		sink, over := b.sink(ctx)
		defer over()
		return safely(func() (err error) {
			out, err = b.pusher.Push(ctx, b.push, sink)
			return err
		})
	}()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	row, err := written(ctx, b.db, func(ctx context.Context, builds repository.BuildRepository) (domain.BuiltImage, error) {
		row, err := builds.Image(ctx, b.row.ID) // it may have a new name
		if err != nil {
			return row, err
		}
		row.Pushed, row.ManifestDigest, row.RegistryHost = b.push.Remote.Canonical(), out.Digest, b.push.Remote.Registry
		return builds.SaveImage(ctx, row)
	})
	if err == nil {
		b.row = row
	}
	return err
}

// sink tells the events of the agent to the caller and to the task.
func (b *building) sink(ctx context.Context) (domain.TransferSink, func()) {
	shown, over := b.meter.task.begin(b.key)
	outer := domain.TransferSinkFrom(ctx)
	return func(e domain.TransferEvent) {
		shown.Report(e.Current, e.Total, cmp.Or(e.Message, e.Status))
		outer.Tell(e)
	}, over
}
