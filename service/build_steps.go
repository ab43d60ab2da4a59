package service

import (
	"cmp"
	"context"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

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
			row.State, row.Builder = state, b.builder
			row.AgentID, row.Store = cmp.Or(row.AgentID, b.host.ID), cmp.Or(row.Store, b.address)
			return builds.SaveImage(ctx, row)
		}
		return builds.CreateImage(ctx, domain.BuiltImage{
			SourceKind: b.source.Kind, ModelID: a.ModelID, PipelineID: a.PipelineID, Name: a.Name,
			Tag: cmp.Or(a.Tag, "latest"), Repository: a.Repository,
			State: state, Builder: b.builder, AgentID: b.host.ID, Store: b.address, Local: domain.NewLocalBuild(),
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

// build has the agent or the store build the image and finishes its row.
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
			out, err = b.store.Build(ctx, b.request, sink)
			return err
		})
	}()
	if err == nil {
		if _, bad := domain.ParseDigest(string(out.Digest)); bad != nil {
			err = &domain.Error{Code: domain.CodeInternal, Reason: "digest_invalid", On: cmp.Or(b.address, string(b.host.ID)), Err: bad}
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
		row.State, row.Digest, row.AgentID, row.Store = domain.BuildDone, out.Digest, b.host.ID, b.address
		row.Tag, row.Repository, row.RegistryHost = cmp.Or(b.action.Tag, "latest"), b.action.Repository, ""
		row.Pushed, row.ManifestDigest = "", ""
		return builds.SaveImage(ctx, row)
	})
	switch {
	case err == nil:
		b.row = done
	case domain.CodeOf(err) == domain.CodeNotFound:
		_ = safely(func() error { return b.store.Untag(ctx, b.row.Local) })
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
	if err == nil && b.fresh() { // the builder may have been done when nobody listened any more
		_ = safely(func() error { return b.store.Untag(ctx, b.row.Local) })
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

// sink tells the events of the builder to the caller and to the task. A builder
// may move layers on many goroutines.
func (b *building) sink(ctx context.Context) (domain.TransferSink, func()) {
	shown, over := b.meter.task.begin(b.key)
	tell, end := tellers(ctx, nil)
	return func(e domain.TransferEvent) {
		shown.Report(e.Current, e.Total, cmp.Or(e.Message, e.Status))
		tell.Tell(e)
	}, func() { over(); end() }
}
