package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// DistributionBinary returns the path of a static distribution v3 registry program, for tests and benchmarks that run
// it as a process of its own. It is built on first use, which takes minutes, and kept in the user's cache folder.
func DistributionBinary(tb testing.TB) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	program, err := distributionBinary(ctx, tb.Logf)
	if err != nil {
		giveUp(tb, fmt.Errorf("%w: distribution %s: %w", errUnavailable, distributionVersion, err))
	}
	return program
}

func distributionBinary(ctx context.Context, progress Progress) (string, error) {
	return goProgram{"registry", "github.com/distribution/distribution/v3/cmd/registry", distributionVersion}.build(ctx, progress)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// buildRegistryV3 makes an image with nothing in it but the static program.
func buildRegistryV3(ctx context.Context, dir string, progress Progress) (v1.Image, error) {
	if runtime.GOOS != "linux" {
		return nil, errors.New("images are built on Linux only")
	}
	program, err := distributionBinary(ctx, progress)
	if err != nil {
		return nil, err
	}
	fs, err := newRootFS(dir)
	if err != nil {
		return nil, err
	}
	if err := fs.program("usr/bin/registry", program); err != nil {
		return nil, err
	}
	return fs.image(registryConfig())
}

// buildRegistryV2 makes an image from Debian's docker-registry.
func buildRegistryV2(ctx context.Context, dir string, progress Progress) (v1.Image, error) {
	isProgram := func(name string) bool { return name == "docker-registry" }
	fs, err := debianRootFS(ctx, dir, progress, isProgram, "docker-registry")
	if err != nil {
		return nil, err
	}
	if err := fs.symlink("usr/bin/registry", "docker-registry"); err != nil {
		return nil, err
	}
	return fs.image(registryConfig())
}

func registryConfig() v1.Config {
	return v1.Config{
		Env:          []string{"PATH=/usr/bin"},
		Entrypoint:   []string{"/bin/registry"},
		ExposedPorts: map[string]struct{}{registryPort: {}},
	}
}
