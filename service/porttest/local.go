package porttest

import (
	"context"
	"slices"
	"sync"

	"github.com/wharf-project/wharf/domain"
)

// The operations that a [LocalHook] is told and that [Local.Calls] counts.
const (
	OpPush  = "push"
	OpFetch = "fetch"
)

// LocalHook runs before each operation of a [Local], outside its lock, and after
// its first event. It may block until ctx ends, to be a registry that hangs, or
// return an error, to be one that refuses. remote is the canonical reference.
type LocalHook func(ctx context.Context, op, remote string) error

// Local is a [port.Local] in memory. Its registry is a [Shelf]; each image on it
// counts as one layer of the image's size.
type Local struct {
	shelf *Shelf

	mu     sync.Mutex
	images map[string][]Shelved // by name; several are an index
	hook   LocalHook
	calls  map[string][]string
}

// NewLocal returns a store that holds the images, under Canonical as the name in
// the store; several architectures with one name are an index. A nil shelf has
// every image, and takes every one.
func NewLocal(s *Shelf, images ...Shelved) *Local {
	l := &Local{shelf: s, images: map[string][]Shelved{}, calls: map[string][]string{}}
	for _, i := range images {
		l.Put(i)
	}
	return l
}

// Put makes an image one of those that its name stands for. Digests and the size
// are made up where they are missing.
func (l *Local) Put(i Shelved) {
	i = i.complete()
	l.mu.Lock()
	defer l.mu.Unlock()
	same := func(o Shelved) bool { return o.Architecture == i.Architecture }
	l.images[i.Canonical] = append(slices.DeleteFunc(l.images[i.Canonical], same), i)
}

// Names returns what the store holds: the digest of the manifest by name, of an
// index made up from those below it.
func (l *Local) Names() map[string]domain.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := map[string]domain.Digest{}
	for name, images := range l.images {
		names[name] = topOf(images)
	}
	return names
}

// SetHook installs a hook; nil takes it away.
func (l *Local) SetHook(h LocalHook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = h
}

// Calls returns the references of the calls of an operation so far, in their
// order.
func (l *Local) Calls(op string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls[op])
}

// Push implements [port.Pusher].
func (l *Local) Push(ctx context.Context, r domain.PushRequest, sink domain.TransferSink) (domain.PushOutcome, error) {
	to := r.Remote.Canonical()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPush, Src: r.Local, Dst: to})
	if err := l.enter(ctx, OpPush, to); err != nil {
		return domain.PushOutcome{}, err
	}
	l.mu.Lock()
	images := slices.Clone(l.images[r.Local])
	if r.Local == "" && len(l.images) == 1 {
		for _, only := range l.images {
			images = slices.Clone(only)
		}
	}
	l.mu.Unlock()
	images, err := choose(images, r.Architecture)
	if err != nil {
		return domain.PushOutcome{}, err
	}
	if len(images) == 0 {
		return domain.PushOutcome{}, domain.Errorf(domain.CodeNotFound, "image_not_found", r.Local, "the store has no such image: %s", r.Local)
	}
	out := domain.PushOutcome{Digest: topOf(images)}
	out.Unchanged, out.SentBytes = l.shelf.receive(to, images)
	for _, i := range images {
		out.SizeBytes += i.SizeBytes
		sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: i.Config.String(), Status: "pushed", Current: i.SizeBytes, Total: i.SizeBytes})
	}
	return out, nil
}

// Fetch implements [port.Fetcher].
func (l *Local) Fetch(ctx context.Context, r domain.FetchRequest, sink domain.TransferSink) (domain.FetchOutcome, error) {
	from := r.Remote.Canonical()
	sink.Tell(domain.TransferEvent{Kind: domain.TransferPull, Src: from, Dst: r.Local})
	if err := l.enter(ctx, OpFetch, from); err != nil {
		return domain.FetchOutcome{}, err
	}
	all := l.shelf.behind(from, r.Manifest)
	if len(all) == 0 {
		return domain.FetchOutcome{}, domain.Errorf(domain.CodeNotFound, "tag_not_found", from, "the registry has no such image: %s", from)
	}
	images, err := choose(all, r.Architecture)
	if err != nil {
		return domain.FetchOutcome{}, err
	}
	if len(images) == 0 {
		return domain.FetchOutcome{}, domain.Errorf(domain.CodePrecondition, "platform_mismatch", from, "%s has no image for %s", from, r.Architecture)
	}
	out := domain.FetchOutcome{Digest: topOf(all)}
	if r.Manifest != "" && r.Manifest != out.Digest && r.Manifest != topOf(images) {
		return domain.FetchOutcome{}, domain.Errorf(domain.CodePrecondition, "digest_mismatch", r.Manifest.String(), "the registry now has %s, not %s", out.Digest, r.Manifest)
	}
	if len(images) == 1 {
		out.Config = images[0].Config
	}
	l.mu.Lock()
	out.Unchanged = slices.Equal(digests(l.images[r.Local]), digests(images))
	l.images[r.Local] = images
	l.mu.Unlock()
	for _, i := range images {
		out.SizeBytes += i.SizeBytes
		sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: i.Config.String(), Status: "pulled", Current: i.SizeBytes, Total: i.SizeBytes})
	}
	if !out.Unchanged {
		out.ReceivedBytes = out.SizeBytes
	}
	return out, nil
}

func (l *Local) enter(ctx context.Context, op, remote string) error {
	l.mu.Lock()
	l.calls[op] = append(l.calls[op], remote)
	hook := l.hook
	l.mu.Unlock()
	err := domain.RefuseInTx(ctx, "porttest: local "+op)
	if err == nil && hook != nil {
		err = hook(ctx, op, remote)
	}
	if err == nil {
		err = ctx.Err()
	}
	return domain.Wrap("porttest: local "+op, err)
}

// choose picks one architecture; "" is all of them.
func choose(images []Shelved, architecture string) ([]Shelved, error) {
	if architecture == "" {
		return images, nil
	}
	arch, err := domain.NormalizeArchitecture(architecture)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(images), func(i Shelved) bool { return i.Architecture != arch }), nil
}

func digests(images []Shelved) []string {
	var list []string
	for _, i := range images {
		list = append(list, i.Manifest.String())
	}
	slices.Sort(list)
	return list
}

// topOf is the digest of the manifest, or one for the index.
func topOf(images []Shelved) domain.Digest {
	if len(images) == 1 {
		return images[0].Manifest
	}
	return DigestOf(append([]string{"index"}, digests(images)...)...)
}
