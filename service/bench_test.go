package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
)

// What an embedder pays for one image by its name, store included; the
// benchmarks of the door say how much of it is the door.
func BenchmarkGetImage(b *testing.B) {
	f := newFleet(b)
	img := f.image("python:3.12")[0]
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.GetImage(f.root, actions.GetImageAction{Reference: img.Canonical()})
		require.NoError(b, err)
	}
}

// What an embedder pays for a change with its audit entry, each in a
// transaction of its own.
func BenchmarkForgetAndRestore(b *testing.B) {
	f := newFleet(b)
	img := f.image("python:3.12")[0]
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.ForgetImage(f.root, actions.ForgetImageAction{Reference: img.Canonical()})
		require.NoError(b, err)
		_, err = f.RestoreImage(f.root, actions.RestoreImageAction{Reference: img.Canonical()})
		require.NoError(b, err)
	}
}
