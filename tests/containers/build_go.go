package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// goProgram is a static program that is built from a Go module when no image of it can be pulled.
type goProgram struct {
	name    string // of the file that is kept
	pkg     string
	version string
}

// build returns the path of the program. It is built on first use and kept in the user's cache folder.
func (g goProgram) build(ctx context.Context, progress Progress) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil { // neither HOME nor XDG_CACHE_HOME
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "wharf-test")
	program := filepath.Join(cache, g.name+"-"+g.version)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if exists(program) {
		return program, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(ctx, lockPath(program))
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(program) {
		return program, nil
	}
	progress("compiling %s %s", g.name, g.version)
	dir, err := os.MkdirTemp(cache, "build-") // on the same disk, so that the program appears all at once
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := g.install(ctx, dir); err != nil {
		return "", err
	}
	built, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(built) != 1 {
		return "", fmt.Errorf("go install %s left %d files: %w", g.pkg, len(built), err)
	}
	return program, os.Rename(built[0], program)
}

// install builds into an empty folder.
func (g goProgram) install(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", g.pkg+"@"+g.version)
	cmd.Dir = dir
	// Settings for this module must not leak into the other.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return key == "GOOS" || key == "GOARCH" || key == "GOEXPERIMENT"
	}), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go install: %w\n%s", err, out[max(0, len(out)-2000):])
	}
	return nil
}

// image makes an image with nothing in it but the program, at the path that the official one has it at.
func (g goProgram) image(path string, config v1.Config) recipe {
	return func(ctx context.Context, dir string, progress Progress) (v1.Image, error) {
		if runtime.GOOS != "linux" {
			return nil, errors.New("images are built on Linux only")
		}
		program, err := g.build(ctx, progress)
		if err != nil {
			return nil, err
		}
		fs, err := newRootFS(dir)
		if err != nil {
			return nil, err
		}
		if err := fs.program(strings.TrimPrefix(path, "/"), program); err != nil {
			return nil, err
		}
		config.Entrypoint = []string{path}
		return fs.image(config)
	}
}
