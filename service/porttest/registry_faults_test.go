package porttest_test

import (
	"bytes"
	"context"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

// wrongRegistry is a fake registry with a fault.
type wrongRegistry struct {
	fake    *porttest.Registry
	right   port.Registry
	project string
	fault   string
}

func (w wrongRegistry) Repositories(ctx context.Context) iter.Seq2[string, error] {
	switch w.fault {
	case "project is a prefix":
		return func(yield func(string, error) bool) {
			for name, err := range w.fake.Open("").Repositories(ctx) {
				if (err != nil || strings.HasPrefix(name, w.project)) && !yield(name, err) {
					return
				}
			}
		}
	case "listing drops errors":
		return func(yield func(string, error) bool) {
			for name, err := range w.right.Repositories(ctx) {
				if err != nil || !yield(name, nil) {
					return
				}
			}
		}
	case "listing ends after a page":
		return func(yield func(string, error) bool) {
			n := 0
			for name, err := range w.right.Repositories(ctx) {
				if n++; n > 3 || !yield(name, err) {
					return
				}
			}
		}
	case "listing can be taken once":
		return once(w.right.Repositories(ctx))
	}
	return w.right.Repositories(ctx)
}

func (w wrongRegistry) Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error] {
	return func(yield func(domain.TagRow, error) bool) {
		n := 0
		for row, err := range w.right.Tags(ctx, repo) {
			n++
			switch {
			case w.fault == "unknown repository is empty" && domain.CodeOf(err) == domain.CodeNotFound:
				return
			case w.fault == "last tag is lost" && n > 6:
				return
			case w.fault == "wrong digest in listing" && n > 1:
				row.Digest = porttest.DigestOf("x")
			case w.fault == "tags come twice":
				if !yield(row, err) {
					return
				}
			}
			if !yield(row, err) && w.fault != "goes on after the consumer left" {
				return
			}
		}
	}
}

func once(seq iter.Seq2[string, error]) iter.Seq2[string, error] {
	used := false
	return func(yield func(string, error) bool) {
		if !used {
			used = true
			seq(yield)
		}
	}
}

func (w wrongRegistry) Describe(ctx context.Context, r domain.Reference, known domain.Digest) (domain.Description, error) {
	switch w.fault {
	case "never unchanged":
		known = ""
	case "ignores the digest":
		if r.Tag != "" {
			r.Digest = ""
		}
	case "calls inside a transaction":
		ctx = context.Background()
	case "outlives its context":
		ctx = context.WithoutCancel(ctx)
	}
	d, err := w.right.Describe(ctx, r, known)
	switch {
	case w.fault == "always unchanged" && err == nil && known != "":
		return domain.Description{Digest: known, Unchanged: true}, nil
	case w.fault == "absence is unavailable" && domain.CodeOf(err) == domain.CodeNotFound:
		return d, domain.ErrUnavailable
	case w.fault == "raw errors" && err != nil:
		return d, context.Canceled
	case w.fault == "annotated images are attestations" && len(d.Skipped) == 3:
		d.Skipped, d.Images = append(d.Skipped, domain.SkippedManifest{Digest: d.Images[0].ManifestDigest, Reason: "attestation"}), d.Images[1:]
	case w.fault == "attestations are images" && len(d.Skipped) == 3:
		d.Images = append(d.Images, domain.DescribedImage{Architecture: "unknown", ManifestDigest: d.Skipped[0].Digest})
	case w.fault == "skips without a reason" && len(d.Skipped) == 3:
		d.Skipped[0].Reason = ""
	}
	for n := range d.Images {
		switch w.fault {
		case "variants collide":
			d.Images[n].Architecture = strings.TrimSuffix(d.Images[n].Architecture, "/v6")
		case "no labels":
			d.Images[n].Labels = nil
		case "size is the layers'":
			d.Images[n].SizeBytes--
		case "config is the manifest":
			d.Images[n].ConfigDigest = d.Images[n].ManifestDigest
		}
	}
	return d, err
}

func (w wrongRegistry) DeleteTag(ctx context.Context, r domain.Reference) error {
	right, digests := w.right.(port.TagDeleter), w.right.(port.DigestDeleter)
	switch w.fault {
	case "delete of a tag removes its digest":
		d, err := w.right.Describe(ctx, r, "")
		if domain.CodeOf(err) == domain.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return digests.DeleteDigest(ctx, r.Path, d.Digest)
	case "delete does nothing":
		return ctx.Err()
	case "deleting again fails":
		if _, err := w.right.Describe(ctx, r, ""); err != nil {
			return err
		}
	}
	return right.DeleteTag(ctx, r)
}

func (w wrongRegistry) DeleteDigest(ctx context.Context, repo string, d domain.Digest) error {
	if w.fault == "delete of a digest empties the repository" && len(d) > 1 {
		w.fake.Remove(repo, "")
		return nil
	}
	return w.right.(port.DigestDeleter).DeleteDigest(ctx, repo, d)
}

const registryFault = "WHARF_TEST_WRONG_REGISTRY"

// TestWrongRegistry runs the suite on one wrong registry; only
// TestRunRegistryFindsFaults starts it, in a process of its own.
func TestWrongRegistry(t *testing.T) {
	fault, ok := os.LookupEnv(registryFault)
	if !ok {
		t.Skip("started by TestRunRegistryFindsFaults")
	}
	porttest.RunRegistry(t, fakeRegistryHarness(func(r *porttest.Registry, project string) port.Registry {
		return wrongRegistry{fake: r, right: r.Open(project), project: project, fault: fault}
	}))
}

func TestRunRegistryFindsFaults(t *testing.T) {
	const none = ""
	for fault, caughtBy := range map[string]string{
		none:                                        none,
		"project is a prefix":                       "a project ends at a slash",
		"listing drops errors":                      "a context that has ended is told apart",
		"listing ends after a page":                 "the listing of repositories is complete",
		"listing can be taken once":                 "a listing can be left and taken again",
		"unknown repository is empty":               "tags of an unknown repository are not_found",
		"last tag is lost":                          "the listing of tags is complete",
		"tags come twice":                           "the listing of tags is complete",
		"wrong digest in listing":                   "the listing of tags is complete",
		"goes on after the consumer left":           "a listing can be left and taken again",
		"never unchanged":                           "an unchanged tag costs one HEAD",
		"always unchanged":                          "a tag that moved is described anew",
		"ignores the digest":                        "a digest is described",
		"calls inside a transaction":                "a transaction keeps the registry away",
		"outlives its context":                      "a context that has ended is told apart",
		"absence is unavailable":                    "an unknown image is not_found",
		"raw errors":                                "an unknown image is not_found",
		"annotated images are attestations":         "what is no image is skipped",
		"attestations are images":                   "what is no image is skipped",
		"skips without a reason":                    "what is no image is skipped",
		"variants collide":                          "an index is described by its images",
		"no labels":                                 "a plain image is described",
		"size is the layers'":                       "a plain image is described",
		"config is the manifest":                    "a plain image is described",
		"delete of a tag removes its digest":        "a deleted tag leaves its siblings",
		"delete does nothing":                       "a deleted tag leaves its siblings",
		"deleting again fails":                      "a tag that is gone can be deleted",
		"delete of a digest empties the repository": "a deleted digest leaves other digests",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrongRegistry$", "-test.v")
			cmd.Env = append(os.Environ(), registryFault+"="+fault)
			out, err := cmd.CombinedOutput()
			switch {
			case fault == none && err != nil:
				t.Errorf("the suite fails without a fault:\n%s", out)
			case fault != none && err == nil:
				t.Errorf("the suite passes:\n%s", out)
			case fault != none && !bytes.Contains(out, []byte("--- FAIL: TestWrongRegistry/"+strings.ReplaceAll(caughtBy, " ", "_"))):
				t.Errorf("another test than %q caught it:\n%s", caughtBy, out)
			}
		})
	}
}
