package service_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
)

// engine is a store at hand that builds and knows its containers.
type engine struct {
	*buildNode
	open *atomic.Int32 // how many there are now
}

func (engine) Fetch(context.Context, domain.FetchRequest, domain.TransferSink) (domain.FetchOutcome, error) {
	return domain.FetchOutcome{}, domain.Errorf(domain.CodeInternal, "unexpected", "", "nobody fetches here")
}

func (e engine) Close() error { e.open.Add(-1); return nil }

// folder is one that knows none.
type folder struct {
	port.Builder
	port.Local
}

// withStores has the engine docker, and others by address.
func withStores(e engine, others map[string]port.Local) func(*service.Config) {
	return func(c *service.Config) {
		c.Local = func(_ context.Context, address string) (port.Local, error) {
			if address == "docker" {
				e.open.Add(1)
				return e, nil
			}
			if store, ok := others[address]; ok {
				return store, nil
			}
			return nil, domain.Invalid("store_invalid", "store", "not a store")
		}
	}
}

func newEngine() engine { return engine{newBuildNode(), new(atomic.Int32)} }

func TestAnImageIsBuiltInAStoreInThePlaceOfAnAgent(t *testing.T) {
	t.Parallel()
	e := newEngine()
	y := newBuildYard(t, withStores(e, nil), func(c *service.Config) { c.Sealer = plainSealer{} })
	y.register(fleetHost, "")
	var told []string
	ctx := domain.WithTransferSink(y.root, func(ev domain.TransferEvent) { told = append(told, ev.Message) })
	img := y.built(ctx, actions.BuildImageAction{Name: "i", Store: "docker", Push: true, Remote: fleetHost + "/lab/i:1"})
	require.Equal(t, []string{"Step 1/1"}, told)
	require.Equal(t, []any{"docker", domain.AgentID(""), fleetHost + "/lab/i:1"}, []any{img.Store, img.AgentID, img.Pushed})
	require.Equal(t, []string{"build", "push"}, e.done())
	require.Equal(t, img.Local, e.pushes[0].Local)
	require.Empty(t, y.node.done(), "nobody asked the agent")
	require.Equal(t, img, y.rows()[0])

	e.runs("c1", img, true)
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID})
	fleetError(t, err, domain.CodePrecondition, "image_has_instances")
	_, err = y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID, Cascade: true})
	require.NoError(t, err)
	require.Equal(t, []string{"containers", "containers", "stop c1", "remove c1", "untag"}, e.done())
	require.Empty(t, y.rows())
	e.on("build", func() error { return errNode })
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Store: "docker"})
	fleetError(t, err, domain.CodePrecondition, "build_failed")
	require.Empty(t, y.rows())
	require.Zero(t, e.open.Load(), "what was opened is closed")
}

func TestAStoreWithoutContainersHasNoneToStop(t *testing.T) {
	t.Parallel()
	e := newEngine()
	y := newBuildYard(t, withStores(e, map[string]port.Local{"oci:/a": folder{e.buildNode, e}, "archive:/b": &mover{}}))
	img := y.built(y.root, actions.BuildImageAction{Name: "i", Store: "oci:/x/../a/"})
	require.Equal(t, "oci:/a", img.Store)
	e.done()
	_, err := y.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID, Cascade: true})
	require.NoError(t, err)
	require.Equal(t, []string{"untag"}, e.done())
	_, err = y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Store: "archive:/b"})
	fleetError(t, err, domain.CodePrecondition, "build_unsupported")
	require.Empty(t, y.rows())
}

// chatty is a builder that moves layers on many goroutines.
type chatty struct{ port.Builder }

func (c chatty) Build(ctx context.Context, r domain.BuildRequest, sink domain.TransferSink) (domain.BuildOutcome, error) {
	var wg sync.WaitGroup
	for i := range int64(20) {
		wg.Go(func() { sink.Tell(domain.TransferEvent{Kind: domain.TransferStep, LayerID: "l", Current: i}) })
	}
	wg.Wait()
	return c.Builder.Build(ctx, r, sink)
}

func TestWhatABuilderSaysOnManyGoroutinesIsToldOneAfterAnother(t *testing.T) {
	t.Parallel()
	e := newEngine()
	y := newBuildYard(t, withStores(e, map[string]port.Local{"oci:/a": folder{chatty{e.buildNode}, e}}))
	told := 0 // without a lock: the race detector looks on
	ctx := domain.WithTransferSink(y.root, func(domain.TransferEvent) { told++ })
	y.built(ctx, actions.BuildImageAction{Name: "i", Store: "oci:/a"})
	require.Equal(t, 21, told)
}

func TestAnImageIsNotOverwrittenInAnotherPlace(t *testing.T) {
	t.Parallel()
	e := newEngine()
	y := newBuildYard(t, withStores(e, map[string]port.Local{"oci:/a": folder{e.buildNode, e}}))
	y.built(y.root, actions.BuildImageAction{Name: "stored", Store: "docker"})
	y.built(y.root, actions.BuildImageAction{Name: "on d1"})
	for _, c := range []actions.BuildImageAction{
		{Name: "stored", AgentID: "d1"}, {Name: "stored", Store: "oci:/a"},
		{Name: "on d1", Store: "docker"},
	} {
		c.ModelID, c.Overwrite = y.model.ID, true
		_, err := y.BuildImage(y.root, c)
		fleetError(t, err, domain.CodePrecondition, "image_elsewhere")
	}
	e.done()
	require.Equal(t, "docker", y.built(y.root, actions.BuildImageAction{Name: "stored", Overwrite: true}).Store)
	require.Equal(t, []string{"build"}, e.done(), "where it is, without being told")

	// A row that was never built is nowhere.
	y.built(y.root, actions.BuildImageAction{Name: "row", SkipBuild: true})
	require.Equal(t, "docker", y.built(y.root, actions.BuildImageAction{Name: "row", Overwrite: true, Store: "docker"}).Store)
}

func TestAServerWithoutAStoreNeitherBuildsThereNorDeletes(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, withStores(newEngine(), nil))
	img := y.built(y.root, actions.BuildImageAction{Name: "i", Store: "docker"})
	server := y.again(withBuilders(y.sources, y.nodes))
	_, err := server.BuildImage(y.root, actions.BuildImageAction{Name: "j", ModelID: y.model.ID, Store: "docker"})
	fleetError(t, err, domain.CodePrecondition, "store_unavailable")
	_, err = server.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID, Overwrite: true})
	fleetError(t, err, domain.CodePrecondition, "store_unavailable")
	_, err = server.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID})
	fleetError(t, err, domain.CodePrecondition, "store_unavailable")
	require.Equal(t, []domain.BuiltImage{img}, y.rows())
	_, err = server.DeleteBuiltImage(y.root, actions.DeleteBuiltImageAction{ID: img.ID, MetaOnly: true})
	require.NoError(t, err)
}

func TestWithoutAnAgentTheMessageNamesWhatElseThereIs(t *testing.T) {
	t.Parallel()
	y := newBuildYard(t, withStores(newEngine(), nil))
	y.builder("d2")
	_, err := y.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID})
	fleetError(t, err, domain.CodePrecondition, "build_agent_unset")
	require.Contains(t, domain.MessageOf(err), "store")
	server := y.again(withBuilders(y.sources, y.nodes))
	_, err = server.BuildImage(y.root, actions.BuildImageAction{Name: "i", ModelID: y.model.ID})
	fleetError(t, err, domain.CodePrecondition, "build_agent_unset")
	require.NotContains(t, domain.MessageOf(err), "store")
}
