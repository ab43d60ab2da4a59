package transfertest

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// Harness runs the suite of stores on a kind of address, "oci" or "archive",
// with a registry at host that speaks plain HTTP.
func Harness(host, kind string) porttest.LocalHarness {
	paths := map[port.Local]string{}
	names := func(tb testing.TB, path string) map[string]domain.Digest {
		tb.Helper()
		if kind == "oci" {
			return NamesOfLayout(tb, path)
		}
		dir := tb.TempDir()
		Unpack(tb, path, dir)
		return NamesOfLayout(tb, dir)
	}
	return porttest.LocalHarness{
		New: func(tb testing.TB) port.Local {
			tb.Helper()
			path := filepath.Join(tb.TempDir(), "store")
			l := Open(tb, kind+":"+path)
			paths[l] = path
			return l
		},
		Put: func(tb testing.TB, l port.Local, name string, i porttest.LocalImage) porttest.LocalContent {
			tb.Helper()
			c, want := Make(tb, i)
			if kind == "oci" {
				PutLayout(tb, paths[l], name, c)
				return want
			}
			dir := tb.TempDir()
			Unpack(tb, paths[l], dir)
			PutLayout(tb, dir, name, c)
			Pack(tb, dir, paths[l])
			return want
		},
		Names: func(tb testing.TB, l port.Local) map[string]domain.Digest { tb.Helper(); return names(tb, paths[l]) },
		Remote: func(_ testing.TB, repository, tag string) (domain.Reference, domain.Registry) {
			return domain.Reference{Registry: host, Path: repository, Tag: tag}, Row(host)
		},
		Publish: func(tb testing.TB, r domain.Reference, i porttest.LocalImage) porttest.LocalContent {
			tb.Helper()
			c, want := Make(tb, i)
			Publish(tb, host, r, c)
			return want
		},
		Tagged: func(tb testing.TB, r domain.Reference) porttest.LocalContent {
			tb.Helper()
			return Tagged(tb, host, r)
		},
	}
}

// Open opens a store and closes it with the test.
func Open(tb testing.TB, address string) port.Local {
	tb.Helper()
	l, err := transfer.Open(tb.Context(), address, transfer.Options{})
	require.NoError(tb, err)
	if c, ok := l.(interface{ Close() error }); ok {
		tb.Cleanup(func() { require.NoError(tb, c.Close()) })
	}
	return l
}

// Row is the row of a registry that speaks plain HTTP at host.
func Row(host string) domain.Registry {
	return domain.Registry{Name: host, URL: "http://" + host, Type: domain.RegistryOCI}
}
