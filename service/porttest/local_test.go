package porttest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// localHarness runs the suite on fake stores; wrap may put a fault around each.
func localHarness(wrap func(*porttest.Local) port.Local) porttest.LocalHarness {
	shelf := porttest.NewShelf()
	fakes := map[port.Local]*porttest.Local{}
	shelved := func(canonical string, i porttest.LocalImage) (list []porttest.Shelved, c porttest.LocalContent) {
		for _, arch := range i.Architectures {
			s := porttest.Shelved{
				Canonical: canonical, Architecture: arch, SizeBytes: 100,
				Manifest: porttest.DigestOf("manifest", i.Content, arch), Config: porttest.DigestOf("config", i.Content, arch, canonical),
			}
			list, c.Configs = append(list, s), append(c.Configs, s.Config)
		}
		// A store tells what it names the images by.
		c.Digest = porttest.NewLocal(nil, list...).Names()[canonical]
		return list, c
	}
	tagged := func(r domain.Reference) porttest.LocalContent {
		peek := porttest.NewLocal(shelf)
		out, err := peek.Fetch(context.Background(), domain.FetchRequest{Remote: r, Local: "x"}, nil)
		if err != nil {
			return porttest.LocalContent{}
		}
		c := porttest.LocalContent{Digest: out.Digest}
		for _, arch := range []string{"x86_64", "aarch64"} {
			one, err := peek.Fetch(context.Background(), domain.FetchRequest{Remote: r, Local: "y", Architecture: arch}, nil)
			if err == nil {
				c.Configs = append(c.Configs, one.Config)
			}
		}
		return c
	}
	return porttest.LocalHarness{
		New: func(testing.TB) port.Local {
			fake := porttest.NewLocal(shelf)
			l := wrap(fake)
			fakes[l] = fake
			return l
		},
		Put: func(_ testing.TB, l port.Local, name string, i porttest.LocalImage) porttest.LocalContent {
			list, c := shelved(name, i)
			for _, s := range list {
				fakes[l].Put(s)
			}
			return c
		},
		Names: func(_ testing.TB, l port.Local) map[string]domain.Digest { return fakes[l].Names() },
		Remote: func(_ testing.TB, repository, tag string) (domain.Reference, domain.Registry) {
			return domain.Reference{Registry: "cr.example.org", Path: repository, Tag: tag}, domain.Registry{Name: "cr.example.org"}
		},
		Publish: func(_ testing.TB, r domain.Reference, i porttest.LocalImage) porttest.LocalContent {
			list, c := shelved(r.Canonical(), i)
			for _, s := range list {
				shelf.Put(s)
				s.Canonical = domain.Reference{Registry: r.Registry, Path: r.Path, Digest: c.Digest}.Canonical()
				shelf.Put(s)
			}
			return c
		},
		Denied: func(_ testing.TB, r domain.Reference) (domain.Reference, domain.Registry) {
			for _, fake := range fakes {
				fake.SetHook(func(_ context.Context, op, _ string) error {
					return domain.Errorf(domain.CodeForbidden, "push_denied", r.Canonical(), "the registry does not take it: %s", op)
				})
			}
			return r, domain.Registry{Name: r.Registry}
		},
		Tagged: func(_ testing.TB, r domain.Reference) porttest.LocalContent { return tagged(r) },
	}
}

func TestLocal(t *testing.T) {
	porttest.RunLocal(t, localHarness(func(l *porttest.Local) port.Local { return l }))
}

func TestLocalHook(t *testing.T) {
	l := porttest.NewLocal(nil, porttest.Shelved{Canonical: "app:1", Architecture: "amd64", SizeBytes: 7})
	ref := domain.Reference{Registry: "cr.example.org", Path: "b", Tag: "1"}
	refused := domain.Errorf(domain.CodeForbidden, "push_denied", "b", "no")
	l.SetHook(func(_ context.Context, op, remote string) error {
		require.Equal(t, ref.Canonical(), remote)
		if op == porttest.OpPush {
			return refused
		}
		return nil
	})
	_, err := l.Push(t.Context(), domain.PushRequest{Local: "app:1", Remote: ref}, nil)
	require.ErrorIs(t, err, refused)
	out, err := l.Fetch(t.Context(), domain.FetchRequest{Local: "b:1", Remote: ref}, nil)
	require.NoError(t, err, "a nil shelf has every image")
	require.NotEmpty(t, out.Config)
	l.SetHook(nil)
	sent, err := l.Push(t.Context(), domain.PushRequest{Local: "app:1", Remote: ref}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 7, sent.SizeBytes)
	require.Len(t, l.Calls(porttest.OpPush), 2)
	require.Len(t, l.Names(), 2)
}
