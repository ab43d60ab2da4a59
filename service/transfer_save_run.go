package service

import (
	"context"
	"slices"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// run saves the container. Each step can be repeated: the tag is pushed again,
// and the name on the node taken over.
func (sv *saving) run(ctx context.Context, sink domain.TransferSink) (res actions.SaveImageResult, err error) {
	row, err := sv.clients.unsealed(sv.to.row)
	if err != nil {
		return res, err
	}
	recorded := false
	defer func() {
		if !recorded {
			sv.release(ctx)
		}
	}()
	if err := sv.reserve(ctx); err != nil {
		return res, err
	}
	sink.Tell(domain.TransferEvent{Kind: domain.TransferSave, Src: sv.container.ID, Dst: sv.to.ref.Canonical()})
	sv.untag(ctx, sv.left...)
	defer sv.untag(ctx, sv.local)
	made, err := sv.commit(ctx, sink)
	if err != nil {
		return res, err
	}
	var out domain.PushOutcome
	err = sv.tried(ctx, sink, func(ctx context.Context, sink domain.TransferSink) (err error) {
		out, err = sv.node.Push(ctx, domain.PushRequest{Local: sv.local, Remote: sv.to.ref, Registry: row}, sink)
		return err
	})
	if err != nil {
		return res, err
	}
	if err := sv.record(ctx, out.Digest); err != nil {
		return res, err
	}
	recorded = true
	return actions.SaveImageResult{
		Image: sv.to.ref.Canonical(), Digest: out.Digest, Config: made.Digest, SizeBytes: out.SizeBytes, SentBytes: out.SentBytes,
	}, nil
}

// commit makes the image on the node, under a name of its own: the target's may
// stand there for something that is in use. A node that does not tell beginning
// and end, in that order, cannot be believed to have committed anything.
func (sv *saving) commit(ctx context.Context, sink domain.TransferSink) (domain.CommitOutcome, error) {
	want := []domain.TransferKind{domain.TransferCommitStarted, domain.TransferCommitFinished}
	var told []domain.TransferKind
	out, err := sv.node.Commit(ctx, domain.CommitRequest{Container: sv.container.ID, Name: sv.local, Labels: sv.labels}, func(e domain.TransferEvent) {
		if slices.Contains(want, e.Kind) {
			told = append(told, e.Kind)
		}
		if len(told) <= len(want) && slices.Equal(told, want[:len(told)]) {
			sink.Tell(e)
		}
	})
	if err == nil && (!slices.Equal(told, want) || out.Digest == "") {
		err = domain.Errorf(domain.CodeUnavailable, "agent_failed", sv.container.ID, "the node does not say that it has committed the container %s", sv.container.ID)
	}
	return out, err
}

func (sv *saving) reserve(ctx context.Context) error {
	return sv.db.InTx(ctx, func(ctx context.Context, tx repository.View) error { return sv.reserveIn(ctx, tx) })
}

func (sv *saving) reserveIn(ctx context.Context, tx repository.View) error {
	r := sv.place
	r.Now = sv.now()
	r.Until = r.Now.Add(sv.fleet.AgentPull + saveMargin)
	return tx.Saves.Reserve(ctx, r)
}

// wouldReserve reports whether there is a place, and takes none.
func (sv *saving) wouldReserve(ctx context.Context) error {
	free := false
	err := sv.db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		if err := sv.reserveIn(ctx, tx); err != nil {
			return err
		}
		free = true
		return errDry
	})
	if free {
		return nil
	}
	return err
}

// release gives the place back, also after ctx has ended. Where that fails it
// ends by itself.
func (sv *saving) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	_ = sv.db.InTx(ctx, func(ctx context.Context, tx repository.View) error { return tx.Saves.Release(ctx, sv.place.ID) })
}

// untag takes images from the node, where the node can do that, also after ctx
// has ended. A node that is away keeps them; nothing more can be done.
func (sv *saving) untag(ctx context.Context, names ...string) {
	b, can := sv.node.(port.Builder)
	if !can {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sv.fleet.AgentCall)
	defer cancel()
	for _, name := range names {
		_ = b.Untag(ctx, name)
	}
}

// record takes what the registry has now into the catalogue, in the place that
// was held for it, if that is what was pushed.
func (sv *saving) record(ctx context.Context, pushed domain.Digest) error {
	var found domain.Description
	err := retried(ctx, sv.fleet.PullAttempts, sv.fleet.PullBackoff, func() (err error) {
		found, err = sv.to.reg.Describe(ctx, sv.to.ref, "")
		return err
	})
	if err != nil {
		return err
	}
	seen := imagesOf(sv.to.row, sv.to.ref, found)
	if found.Digest != pushed || len(seen) == 0 {
		return domain.Errorf(domain.CodeConflict, "tag_moved", sv.to.ref.Canonical(), "%s is not what was pushed: somebody else pushes to it", sv.to.ref)
	}
	return sv.db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		if _, err := tx.Saves.Fulfil(ctx, sv.place.ID, seen); err != nil {
			return err
		}
		rows, err := tx.Images.Find(ctx, domain.Lookup{Canonical: sv.to.ref.Canonical()})
		if err != nil {
			return err
		}
		var gone []domain.Image // architectures that the tag had before
		for _, c := range rows {
			if !slices.ContainsFunc(seen, func(i domain.Image) bool { return i.Architecture == c.Image.Architecture }) {
				gone = append(gone, c.Image)
			}
		}
		_, err = tx.Images.MarkMissing(ctx, gone)
		return err
	})
}
