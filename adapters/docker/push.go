package docker

import (
	"context"
	"encoding/json"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/jsonstream"

	"github.com/wharf-project/wharf/domain"
)

// Push implements port.Pusher. An engine pushes what its own tag of the same name
// points to, so the image gets that name for as long as the push takes; an image
// that had it gets it back. The size is what the image takes on the engine's
// disk, and bytes are not told (-1) unless nothing was sent.
func (a *agent) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	if err := a.engine.begin(ctx, "push"); err != nil {
		return domain.PushOutcome{}, err
	}
	local, err := localName(r.Local)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	t, err := remoteOf(r.Remote, r.Registry, "")
	if err != nil {
		return domain.PushOutcome{}, err
	}
	if r.Architecture != "" {
		if t.architecture, err = domain.NormalizeArchitecture(r.Architecture); err != nil {
			return domain.PushOutcome{}, err
		}
	}
	unlock, err := a.lockPushed(ctx, t)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	defer unlock()
	image, there, err := a.engine.inspect(ctx, local.Canonical())
	switch {
	case err != nil:
		return domain.PushOutcome{}, err
	case !there:
		return domain.PushOutcome{}, domain.NotFound("image", local.Canonical())
	case r.Architecture != "" && !image.fits(t.architecture):
		return domain.PushOutcome{}, domain.Errorf(domain.CodeNotFound, reasonNoImage, local.Canonical(), "the engine has the image for %s only", image.architecture)
	}
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPush, Src: r.Local, Dst: t.canonical})
	out, err := a.push(ctx, t, image, sink)
	if errdefs.IsNotFound(err) && domain.CodeOf(err) == domain.CodeUnavailable { // the engine's word for the tag, not the registry's
		return domain.PushOutcome{}, domain.NotFound("image", local.Canonical())
	}
	return out, err
}

// lockPushed waits for its turn with the engine's name of what is pushed: a pull
// of that name takes the same two locks in the same order.
func (a *agent) lockPushed(ctx context.Context, t target) (unlock func(), err error) {
	name := t.source + ":" + t.tag
	tagged, err := a.names.lock(ctx, name)
	if err != nil {
		return nil, err
	}
	pulled, err := a.names.lock(ctx, "pulled "+name)
	if err != nil {
		tagged()
		return nil, err
	}
	return func() { pulled(); tagged() }, nil
}

func (a *agent) push(ctx context.Context, t target, image stored, sink domain.TransferSink) (domain.PushOutcome, error) {
	name := t.source + ":" + t.tag
	before, had, err := a.engine.inspect(ctx, name)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	if !had || before.id != image.id {
		// Also when tagging fails: that it was cut off does not mean that it was not done.
		defer func() {
			if had {
				a.putBack(ctx, before, name)
			} else {
				a.takeBack(ctx, name)
			}
		}()
		if err := a.engine.tag(ctx, image.id, name); err != nil {
			return domain.PushOutcome{}, err
		}
	}
	was, _, _ := a.engine.resolve(ctx, t) // if it cannot be told, neither can that nothing changed
	layers := &steps{sink: sink, tag: t.tag}
	var digest domain.Digest
	err = a.engine.push(ctx, t, name, func(msg jsonstream.Message) {
		layers.message(msg)
		if d := pushedDigest(msg); d != "" {
			digest = d
		}
	})
	if err == nil && digest == "" { // Podman does not always tell
		digest, _, err = a.engine.resolve(ctx, t)
	}
	if err != nil {
		return domain.PushOutcome{}, err
	}
	out := domain.PushOutcome{Digest: digest, SizeBytes: image.size, SentBytes: -1, Unchanged: digest == was}
	if out.Unchanged {
		out.SentBytes = layers.bytes()
	}
	return out, nil
}

// pushedDigest reads what an engine says apart when all is done; "" for any other
// message.
func pushedDigest(msg jsonstream.Message) domain.Digest {
	var said struct{ Digest string }
	if msg.Aux == nil || json.Unmarshal(*msg.Aux, &said) != nil {
		return ""
	}
	d, err := domain.ParseDigest(said.Digest)
	if err != nil {
		return ""
	}
	return d
}
