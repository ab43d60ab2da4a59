package docker

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wharf-project/wharf/domain"
)

// engine is what the agent uses of an engine's API, with the port's errors. The
// client changes between its releases; nothing but engine's methods calls it.
type engine struct {
	connect func() (*client.Client, error)
	on      string
	current atomic.Pointer[client.Client]
	ready   atomic.Bool   // the version is agreed on
	turn    chan struct{} // to agree; the client's own lock knows no context
	podman  atomic.Bool   // it is Podman; see the package's comment
	local   bool          // it is the user's own, and no agent's
}

func newEngine(on string, connect func() (*client.Client, error)) (*engine, error) {
	api, err := connect()
	if err != nil {
		return nil, err
	}
	e := &engine{connect: connect, on: on, turn: make(chan struct{}, 1)}
	e.current.Store(api)
	return e, nil
}

func (e *engine) api() *client.Client { return e.current.Load() }

// renew forgets the version: the engine behind the address is another one than
// it was. The client is not made to agree again while calls use it.
func (e *engine) renew() {
	api, err := e.connect()
	if err != nil {
		return // its files are gone; the old client is no worse
	}
	old := e.current.Swap(api)
	e.ready.Store(false)
	_ = old.Close() // of idle connections
}

// begin is the start of every action: it refuses what must not run, agrees on
// the version of the API, for requests of a version that the engine does not
// know fail in ways that say little, and learns which product answers.
func (e *engine) begin(ctx context.Context, op string) error {
	if err := domain.RefuseInTx(ctx, "docker: "+op); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return contextError(ctx, op)
	}
	if e.ready.Load() {
		return nil
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return contextError(ctx, op)
	}
	if e.ready.Load() {
		return nil // another call did it
	}
	said, err := e.api().Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	if errdefs.IsInvalidArgument(err) && said.APIVersion != "" && ctx.Err() == nil {
		out := domain.Errorf(domain.CodePrecondition, reasonUnsupported, e.on, "the agent's engine is older than API %s", client.MinAPIVersion)
		out.Err = err
		return out
	}
	if err != nil {
		return e.translate(ctx, op, err)
	}
	version, err := e.api().ServerVersion(ctx, client.ServerVersionOptions{})
	if ctx.Err() != nil || gone(err) { // what forbids the question, such as a proxy, is no reason to fail
		return e.translate(ctx, op, err)
	}
	e.podman.Store(slices.ContainsFunc(version.Components, func(c system.ComponentVersion) bool { return c.Name == "Podman Engine" }))
	e.ready.Store(true)
	return nil
}

func (e *engine) images(ctx context.Context) ([]image.Summary, error) {
	list, err := e.api().ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return nil, e.translate(ctx, "images", err)
	}
	return list.Items, nil
}

func (e *engine) containers(ctx context.Context) ([]container.Summary, error) {
	list, err := e.api().ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, e.translate(ctx, "containers", err)
	}
	return list.Items, nil
}

// inspect reads an image by name, digest or id; false when it is not there.
func (e *engine) inspect(ctx context.Context, ref string) (stored, bool, error) {
	i, err := e.api().ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) && ctx.Err() == nil {
		return stored{}, false, nil
	}
	if err != nil {
		return stored{}, false, e.translate(ctx, "inspect", err)
	}
	s, err := e.storedOf(i.InspectResponse)
	return s, err == nil, err
}

// pull makes the engine pull, and passes on what it tells.
func (e *engine) pull(ctx context.Context, t target, ref string, tell listener) error {
	stream, err := e.api().ImagePull(ctx, ref, client.ImagePullOptions{RegistryAuth: t.auth, Platforms: platforms(t.architecture)})
	if err != nil {
		return e.registryError(ctx, t, "pull", err)
	}
	return e.transfer(ctx, t, "pull", stream, tell)
}

// noAuth is an empty configuration: engines of 20.10 do not push without one.
const noAuth = "e30="

// push makes the engine push one of its tags, and passes on what it tells.
func (e *engine) push(ctx context.Context, t target, name string, tell listener) error {
	stream, err := e.api().ImagePush(ctx, name, client.ImagePushOptions{RegistryAuth: cmp.Or(t.auth, noAuth)})
	if err != nil {
		return e.registryError(ctx, t, "push", err)
	}
	return e.transfer(ctx, t, "push", stream, tell)
}

// resolve makes the engine ask the registry what a tag points to: the digest of
// a manifest or an index, and the platforms if the engine could tell them.
func (e *engine) resolve(ctx context.Context, t target) (domain.Digest, []ocispec.Platform, error) {
	d, err := e.api().DistributionInspect(ctx, t.source+":"+t.tag, client.DistributionInspectOptions{EncodedRegistryAuth: t.auth})
	if errdefs.IsNotFound(err) && noSuchPath(err) || errdefs.IsNotImplemented(err) {
		out := domain.Errorf(domain.CodePrecondition, reasonUnsupported, e.on, "the agent's engine cannot resolve tags")
		out.Err = err
		return "", nil, out
	}
	if err != nil {
		return "", nil, e.registryError(ctx, t, "resolve", err)
	}
	digest, err := domain.ParseDigest(d.Descriptor.Digest.String())
	if err != nil {
		return "", nil, domain.Errorf(domain.CodeUnavailable, reasonMalformed, t.registry, "the answer of the registry %s makes no sense", t.registry)
	}
	return digest, d.Platforms, nil
}

// noSuchPath tells an engine that lacks a part of the API, such as Podman, which
// says less, from one whose registry lacks an image.
func noSuchPath(err error) bool {
	_, said, _ := strings.Cut(err.Error(), ": ") // the client says first whose error it is
	return said == "page not found" || said == "Not Found"
}

func (e *engine) tag(ctx context.Context, id, name string) error {
	if _, err := e.api().ImageTag(ctx, client.ImageTagOptions{Source: id, Target: name}); err != nil {
		return e.translate(ctx, "tag", err)
	}
	return nil
}

// remove removes one name of an image. It returns the ids that were deleted with
// it.
func (e *engine) remove(ctx context.Context, name string, force, prune bool) (deleted []string, err error) {
	res, err := e.api().ImageRemove(ctx, name, client.ImageRemoveOptions{Force: force, PruneChildren: prune})
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, contextError(ctx, "remove")
	case errdefs.IsNotFound(err):
		return nil, domain.NotFound("image", name)
	case errdefs.IsConflict(err):
		out := domain.Errorf(domain.CodeConflict, reasonInUse, name, "the engine says that the image is in use")
		out.Err = err
		return nil, out
	default:
		return nil, e.translate(ctx, "remove", err)
	}
	for _, item := range res.Items {
		if item.Deleted != "" {
			deleted = append(deleted, idOf(item.Deleted))
		}
	}
	return deleted, nil
}
