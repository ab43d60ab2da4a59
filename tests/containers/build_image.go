package containers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

const (
	firstContact = 5 * time.Second // with Docker Hub; a machine without a network must not wait longer
	pullTimeout  = 5 * time.Minute
	buildTimeout = 15 * time.Minute
)

// Progress is told what takes long, in the manner of fmt.Printf and testing.TB.Logf.
type Progress func(format string, args ...any)

// recipe builds an image; it may keep files in dir until the image has been loaded.
type recipe func(ctx context.Context, dir string, progress Progress) (v1.Image, error)

// Build gets every image that tests need, so that no test has to wait for one. Images already there take no time.
// What is out of reach is only reported, unless engines are [Required].
func Build(progress Progress) error {
	missing := func(err error) error {
		if Required() {
			return err
		}
		return nil
	}
	if _, err := engine(); err != nil {
		progress("%v", err)
		return missing(err)
	}
	var mu sync.Mutex
	var group errgroup.Group
	for _, img := range images() {
		if os.Getenv(img.engine) != "" {
			progress("%s: not needed, %s is set", img.name, img.engine)
			continue
		}
		group.Go(func() error {
			began := time.Now()
			report := func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				progress(img.name+": "+format, args...)
			}
			ref, err := img.reference(report)
			if err != nil {
				report("%v", err)
				return missing(err)
			}
			report("%s is ready (%s)", ref, time.Since(began).Round(10*time.Millisecond))
			return nil
		})
	}
	return group.Wait()
}

var (
	referencesMu sync.Mutex
	references   = map[*image]*lazy[string]{}
)

// reference returns the name of an image that the engine has: the official one, or else one built here.
func (img *image) reference(progress Progress) (string, error) {
	referencesMu.Lock()
	known, ok := references[img]
	if !ok {
		known = new(lazy[string])
		references[img] = known
	}
	referencesMu.Unlock()
	return known.get(func() (string, error) {
		cli, err := engine()
		if err != nil {
			return "", err
		}
		if ref := os.Getenv(img.override); ref != "" {
			return ref, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), pullTimeout+buildTimeout)
		defer cancel()
		ref, err := img.fetch(ctx, cli, progress)
		if err != nil {
			return "", fmt.Errorf("%w: image of %s (set %s to a running one, or %s to another image): %w",
				errUnavailable, img.name, img.engine, img.override, err)
		}
		return ref, nil
	})
}

// fetch pulls or builds. An image built earlier is used without trying Docker Hub again, by this process or a later
// one; remove it to have the next run look there.
func (img *image) fetch(ctx context.Context, cli client.APIClient, progress Progress) (string, error) {
	if ref := img.present(ctx, cli); ref != "" {
		return ref, nil
	}
	unlock, err := lockFile(ctx, lockPath(img.local))
	if err != nil {
		return "", err
	}
	defer unlock()
	if ref := img.present(ctx, cli); ref != "" { // another process had the lock, and did the work
		return ref, nil
	}
	progress("pulling %s", img.official)
	pullErr := pull(ctx, cli, img.official)
	if pullErr == nil {
		return img.official, nil
	}
	progress("building %s, because %s cannot be pulled: %v", img.local, img.official, pullErr)
	dir, err := os.MkdirTemp("", "wharf-test-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	built, err := img.recipe(ctx, dir, progress)
	if err == nil {
		err = load(ctx, cli, img.local, built)
	}
	if err != nil {
		return "", errors.Join(
			fmt.Errorf("pulling %s: %w", img.official, pullErr),
			fmt.Errorf("building %s: %w", img.local, err),
		)
	}
	return img.local, nil
}

func (img *image) present(ctx context.Context, cli client.APIClient) string {
	for _, ref := range []string{img.official, img.local} {
		if _, err := cli.ImageInspect(ctx, ref); err == nil {
			return ref
		}
	}
	return ""
}

var errSilence = fmt.Errorf("no answer within %s", firstContact)

// pull gives up soon when the registry does not answer, but not on a slow download.
func pull(ctx context.Context, cli client.APIClient, ref string) error {
	ctx, done := context.WithTimeout(ctx, pullTimeout)
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(firstContact, func() { cancel(errSilence) })
	defer silence.Stop()
	messages, err := cli.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	for message, err := range messages.JSONMessages(ctx) {
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		if message.Error != nil { // arrives inside a stream that began with 200 OK
			return message.Error
		}
		silence.Stop()
	}
	return context.Cause(ctx)
}

func load(ctx context.Context, cli client.APIClient, ref string, img v1.Image) error {
	tag, err := name.NewTag(ref)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(tarball.Write(tag, img, w)) }()
	answer, err := cli.ImageLoad(ctx, r)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := io.ReadAll(answer)
	if err != nil {
		return err
	}
	if _, err := cli.ImageInspect(ctx, ref); err != nil {
		return fmt.Errorf("loading: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return nil
}

// lockPath says which file stands for making something. One per user, because another's could not be opened.
func lockPath(name string) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("wharf-test-%s.%d.lock", filepath.Base(name), os.Getuid()))
}

// lockFile waits for a lock between processes.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(f)
		if locked {
			return func() { _ = f.Close() }, nil
		}
		if err == nil {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
}
