package service_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/porttest"
)

// fleetStatus answers as registries do.
func fleetStatus(status int, code string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		_, _ = fmt.Fprintf(rw, `{"errors":[{"code":%q,"message":"a fault"}]}`, code)
	}
}

// fleetTruncated answers with the beginning of what was asked for.
func fleetTruncated(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
	_, _ = rw.Write([]byte(`{"repositories":["a","b"],"tags":["1`))
}

// The table of what a registry can answer, and what each verb says of it. Where
// the listing is incomplete nothing is marked as gone, and no status of a
// registry is taken for absence but its own 404.
func TestFaultsOfARegistry(t *testing.T) {
	t.Parallel()
	const (
		credentials = "precondition/registry_credentials"
		limited     = "rate_limited/registry_limited"
		failed      = "unavailable/registry_failed"
		malformed   = "unavailable/registry_malformed"
		noTag       = "not_found/tag_not_found"
	)
	faults := map[string]struct {
		answer                              http.HandlerFunc
		catalog, tags, laterTags, manifests string // the error, by where it happens; "": none
	}{
		"401":       {fleetStatus(401, "UNAUTHORIZED"), credentials, credentials, credentials, credentials},
		"403":       {fleetStatus(403, "DENIED"), credentials, credentials, credentials, credentials},
		"404":       {fleetStatus(404, "NOT_FOUND"), "precondition/catalog_unsupported", "", "not_found/repository_not_found", noTag},
		"429":       {fleetStatus(429, "TOOMANYREQUESTS"), limited, limited, limited, limited},
		"500":       {fleetStatus(500, "UNKNOWN"), failed, failed, failed, failed},
		"truncated": {fleetTruncated, malformed, malformed, malformed, malformed},
	}
	const (
		firstRepos = `^GET /v2/_catalog\?n=2$`
		laterRepos = `^GET /v2/_catalog\?.*last=`
		firstTags  = `^GET /v2/b/tags/list\?n=2$`
		laterTags  = `^GET /v2/b/tags/list\?.*last=`
		manifests  = `^(HEAD|GET) /v2/b/manifests/`
		deletions  = `^DELETE /v2/b/manifests/`
	)
	for name, fault := range faults {
		rescan := func(point, want, reason, on string) func(t *testing.T) {
			return func(t *testing.T) {
				t.Parallel()
				w := newFleetWire(t)
				before := w.filled(t)
				w.fault(point, fault.answer)
				scan := w.rescan()[0]
				require.Equal(t, want, fleetAccount(scan))
				for _, e := range scan.Errors {
					require.Equal(t, reason, string(e.Problem.Code)+"/"+e.Problem.Reason)
					require.Contains(t, e.On, w.host+on)
					require.NotEmpty(t, e.Problem.Message)
				}
				require.Equal(t, reason == "", len(scan.Errors) == 0)
				if scan.Gone == 0 {
					require.Equal(t, before, w.rows(), "nothing was written")
				}
				w.fault("", nil)
				w.rescan()
				for _, row := range before {
					w.requireStatus(row.ID, domain.ImageAlive)
				}
			}
		}
		t.Run("rescan/repositories/"+name, rescan(firstRepos, "complete=false seen=0 added=0 updated=0 unchanged=0 skipped=0 failed=0 gone=0", fault.catalog, ""))
		t.Run("rescan/later repositories/"+name, rescan(laterRepos, "complete=false seen=4 added=0 updated=0 unchanged=4 skipped=0 failed=0 gone=0", fault.catalog, ""))
		first := "complete=false seen=2 added=0 updated=0 unchanged=2 skipped=0 failed=0 gone=0"
		if fault.tags == "" { // the registry names a repository that it says it does not have
			first = "complete=true seen=2 added=0 updated=0 unchanged=2 skipped=0 failed=0 gone=3"
		}
		t.Run("rescan/tags/"+name, rescan(firstTags, first, fault.tags, "/b"))
		t.Run("rescan/later tags/"+name, rescan(laterTags, "complete=false seen=4 added=0 updated=0 unchanged=4 skipped=0 failed=0 gone=0", fault.laterTags, "/b"))
		t.Run("rescan/manifests/"+name, rescan(manifests, "complete=true seen=5 added=0 updated=0 unchanged=2 skipped=0 failed=3 gone=0", fault.manifests, "/b:"))

		for verb, do := range fleetRegistryVerbs {
			t.Run(verb+"/manifests/"+name, func(t *testing.T) {
				t.Parallel()
				w := newFleetWire(t)
				img := w.filled(t)[2] // b:2
				w.fault(manifests, fault.answer)
				before, want := w.rows(), fault.manifests
				err := do(w, img.ID)
				if want == noTag && verb != "scan" {
					require.NoError(t, err, "what is gone already is done")
					return
				}
				require.Equal(t, want, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err))
				require.Contains(t, domain.OnOf(err), "b:2")
				require.Equal(t, before, w.rows())
				w.fault("", nil)
				require.NoError(t, do(w, img.ID), "and it can be repeated")
			})
			if verb == "scan" || name == "404" || name == "truncated" {
				continue // it deletes nothing; see the test of silent deletions; a deletion has no body
			}
			t.Run(verb+"/deletion/"+name, func(t *testing.T) {
				t.Parallel()
				w := newFleetWire(t)
				img := w.filled(t)[2]
				w.fault(deletions, fault.answer)
				before := w.rows()
				err := do(w, img.ID)
				require.Equal(t, fault.manifests, string(domain.CodeOf(err))+"/"+domain.ReasonOf(err))
				require.Equal(t, before, w.rows())
				w.fault("", nil)
				require.NoError(t, do(w, img.ID))
			})
		}
	}
}

// fleetRegistryVerbs are the verbs that look at one tag in its registry.
var fleetRegistryVerbs = map[string]func(w *fleetWire, id domain.ImageID) error{
	"scan": func(w *fleetWire, id domain.ImageID) error {
		return fleetErr(w.ScanImage(w.root, actions.ScanImageAction{Reference: string(id)}))
	},
	"untag": func(w *fleetWire, id domain.ImageID) error {
		return fleetErr(w.untag(actions.UntagImageFromRegistryAction{ImageID: id}))
	},
	"purge": func(w *fleetWire, id domain.ImageID) error {
		return fleetErr(w.PurgeImageByID(w.root, actions.PurgeImageByIDAction{ImageID: id, RemoveFromRegistry: true}))
	},
}

// The table of what a node can do amid its work, and what each verb says of it:
// what was done before stays done and known, what comes after is named.
func TestFaultsOfAnAgent(t *testing.T) {
	t.Parallel()
	faults := map[string]struct {
		fault  func(ctx context.Context) error
		reason string
	}{
		"vanishes": {func(context.Context) error { return fleetVanished("a") }, "agent_unavailable"},
		"hangs":    {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "timeout"},
		"refuses":  {func(context.Context) error { return domain.Errorf(domain.CodeInternal, "disk_full", "a", "no room") }, "disk_full"},
		"panics":   {func(context.Context) error { panic("defect") }, "panic"},
	}
	for name, fault := range faults {
		for verb, do := range fleetAgentVerbs {
			t.Run(verb+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, func(c *service.Config) { c.Fleet.AgentPulls = 1 })
					images := f.images(3)
					held := images
					if verb == "preload" {
						held = nil
					}
					f.node("b", "x86_64", held...)
					f.node("a", "x86_64", held...).SetHook(func(ctx context.Context, op, key string) error {
						if op != porttest.OpInventory && key == images[1].Canonical()+" (x86_64)" {
							return fault.fault(ctx)
						}
						return nil
					})
					done, reasons := do(f, fleetNames(images))
					require.GreaterOrEqual(t, done, 4, "the other node, and what came before the fault")
					require.Equal(t, 6-done, len(reasons))
					for _, r := range reasons {
						if verb == "preload" && fault.reason == "timeout" {
							require.Equal(t, "pull_stalled", r, "no byte arrived long before the deadline")
							continue
						}
						require.Equal(t, fault.reason, r)
					}
					require.Equal(t, f.holds("a"), f.known("a"), "the catalogue knows what went through")
					require.Equal(t, f.holds("b"), f.known("b"))

					f.agents["a"].SetHook(nil)
					done, reasons = do(f, fleetNames(images))
					require.Empty(t, reasons, "and it can be repeated")
					require.Equal(t, 6, done)
				})
			})
		}
	}
}

// fleetAgentVerbs give the count of items that are as wished, and the reasons of
// the others.
var fleetAgentVerbs = map[string]func(f *fleet, names []string) (int, []string){
	"purge": func(f *fleet, names []string) (done int, reasons []string) {
		res := f.purge(actions.PurgeImagesAction{Keys: []actions.PurgeImagesKey{fleetKey("a", names...), fleetKey("b", names...)}})
		for _, p := range res.PurgedImages {
			done += len(p.PurgedImages)
		}
		for _, e := range res.Errors {
			if e.Problem.Reason == "image_not_found" { // of the first time
				done++
				continue
			}
			reasons = append(reasons, e.Problem.Reason)
		}
		return done, reasons
	},
	"unload": func(f *fleet, names []string) (int, []string) {
		return fleetDone(f.unload(actions.UnloadImagesAction{Images: fleetKey("", names...).Images, TargetAgents: "*"}).Outcomes)
	},
	"preload": func(f *fleet, names []string) (int, []string) { return fleetDone(f.preload("*", names...).Outcomes) },
}

func fleetDone(list []actions.AgentOutcome) (done int, reasons []string) {
	for _, o := range list {
		switch {
		case o.Did == actions.DidDefer:
			reasons = append(reasons, "agent_unavailable") // the only one
		case o.Problem == nil:
			done++
		default:
			reasons = append(reasons, o.Problem.Reason)
		}
	}
	return done, reasons
}
