package service_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
	"github.com/wharf-project/wharf/service/port"
	"github.com/wharf-project/wharf/service/porttest"
)

func (f *fleet) untag(a actions.UntagImageFromRegistryAction) (actions.UntagImageFromRegistryResult, error) {
	return f.UntagImageFromRegistry(f.root, a)
}

// tags are the tags of a repository of fleetHost.
func (f *fleet) tags(repo string) []string {
	f.tb.Helper()
	f.registries[fleetHost].SetHook(nil)
	list := []string{}
	for row, err := range f.registries[fleetHost].Open("").Tags(f.tb.Context(), repo) {
		require.NoError(f.tb, err)
		list = append(list, row.Tag)
	}
	return list
}

// sharing makes the tags 1 and 2 point to the same content, and 3 to other.
func (f *fleet) sharing() (one, two domain.Image) {
	f.tb.Helper()
	f.register(fleetHost, "")
	c := fleetContent("app:1", "", "amd64")
	c.Tags = []string{"1", "2"}
	f.registries[fleetHost].Push(c)
	f.push("app:3")
	one, two = f.scan(fleetHost + "/app:1")[0], f.scan(fleetHost + "/app:2")[0]
	require.Equal(f.tb, one.TagDigest, two.TagDigest)
	return one, two
}

func TestUntaggingRemovesOneTagAndNothingElse(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.sharing()
	dry, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: one.ID, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, domain.ImageAlive, dry.Image.Status)
	require.Empty(t, dry.Protected)
	require.Equal(t, []string{"1", "2", "3"}, f.tags("app"))

	res, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: one.ID})
	require.NoError(t, err)
	require.Equal(t, domain.ImageMissing, res.Image.Status)
	require.Equal(t, f.stored(one.ID).Image, res.Image)
	require.Equal(t, []string{"2", "3"}, f.tags("app"))
	f.requireStatus(two.ID, domain.ImageAlive)
	require.Empty(t, f.registries[fleetHost].Calls(porttest.OpDeleteDigest))

	_, err = f.untag(actions.UntagImageFromRegistryAction{ImageID: one.ID})
	fleetError(t, err, domain.CodePrecondition, "image_missing")
	require.Zero(t, f.rescan()[0].Gone, "the next rescan finds what was said")
}

func TestAnIndexIsNotUntaggedForOneOfItsArchitectures(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rows := f.image("app:1", "amd64", "arm64", "riscv64")
	forgotten := f.inStatus(rows[2], domain.ImageForgotten)

	_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: rows[0].ID})
	fleetError(t, err, domain.CodePrecondition, "siblings_share_tag")
	require.Equal(t, rows[0].Canonical(), domain.OnOf(err))
	require.Contains(t, domain.MessageOf(err), rows[1].Architecture, "it names the sibling")
	require.Equal(t, []string{"1"}, f.tags("app"))
	require.Empty(t, f.registries[fleetHost].Calls(porttest.OpDeleteTag))

	dry, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: rows[0].ID, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, domain.MessageOf(err), "")
	require.Contains(t, dry.Protected, rows[1].Architecture)
	require.ElementsMatch(t, []domain.ImageID{rows[1].ID, rows[2].ID}, dry.Siblings)

	res, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: rows[0].ID, Force: true})
	require.NoError(t, err)
	require.ElementsMatch(t, []domain.ImageID{rows[1].ID, rows[2].ID}, res.Siblings)
	require.Empty(t, f.tags("app"))
	f.requireStatus(rows[0].ID, domain.ImageMissing)
	f.requireStatus(rows[1].ID, domain.ImageMissing)
	f.requireStatus(forgotten.ID, domain.ImageForgotten)
}

func TestADigestIsDeletedOnlyWhenNoOtherTagHasIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	one, two := f.sharing()
	hub := f.registries[fleetHost]
	hub.NoTagDelete = true

	_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: one.ID})
	fleetError(t, err, domain.CodePrecondition, "digest_shared")
	require.Equal(t, one.Canonical(), domain.OnOf(err))
	require.Contains(t, domain.MessageOf(err), "the tags 2 point to")
	require.Empty(t, hub.Calls(porttest.OpDeleteDigest))
	f.requireStatus(one.ID, domain.ImageAlive)

	res, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: one.ID, Force: true})
	require.NoError(t, err)
	require.Equal(t, []string{"2"}, res.Tags, "it says which tags went along")
	require.Equal(t, []string{"3"}, f.tags("app"))
	f.requireStatus(one.ID, domain.ImageMissing)
	f.requireStatus(two.ID, domain.ImageMissing)

	alone := f.scan(fleetHost + "/app:3")[0]
	res, err = f.untag(actions.UntagImageFromRegistryAction{ImageID: alone.ID})
	require.NoError(t, err)
	require.Empty(t, res.Tags)
	require.Equal(t, "app@"+alone.TagDigest.String(), hub.Calls(porttest.OpDeleteDigest)[1])
	f.requireStatus(alone.ID, domain.ImageMissing)
}

// fleetAbilities makes registries that can do less than the fake.
func fleetAbilities(cut func(port.Registry) port.Registry) func(*service.Config) {
	return func(c *service.Config) {
		open := c.Registries[domain.RegistryOCI]
		c.Registries[domain.RegistryOCI] = func(ctx context.Context, row domain.Registry) (port.Registry, error) {
			r, err := open(ctx, row)
			return cut(r), err
		}
	}
}

func TestARegistryThatCannotDeleteSaysSo(t *testing.T) {
	t.Parallel()
	f := newFleet(t, fleetAbilities(porttest.PlainRegistry))
	img := f.image("app:1")[0]
	_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID, Force: true})
	fleetError(t, err, domain.CodePrecondition, "tag_delete_unsupported")
	dry, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID, DryRun: true})
	require.NoError(t, err)
	require.NotEmpty(t, dry.Protected, "a dry run says what keeps it")
	f.requireStatus(img.ID, domain.ImageAlive)
}

func TestARegistryWhereDeletionIsOffSaysSo(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.registries[fleetHost].NoTagDelete, f.registries[fleetHost].NoDigestDelete = true, true
	_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
	fleetError(t, err, domain.CodePrecondition, "delete_disabled")
	f.requireStatus(img.ID, domain.ImageAlive)
}

func TestATagThatMovedIsNotUntaggedByMistake(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	img := f.image("app:1")[0]
	f.registries[fleetHost].Push(fleetContent("app:1", "newer", "amd64"))
	_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
	fleetError(t, err, domain.CodePrecondition, "tag_moved")
	require.Equal(t, []string{"1"}, f.tags("app"))
	f.requireStatus(img.ID, domain.ImageAlive)
	dry, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID, DryRun: true})
	require.NoError(t, err)
	require.Contains(t, dry.Protected, "rescan")

	_, err = f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID, Force: true})
	require.NoError(t, err)
	require.Empty(t, f.tags("app"))
}

func TestATagThatIsGoneAlreadyIsUntagged(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]string{"the tag": "1", "the repository": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t)
			img := f.image("app:1")[0]
			f.registries[fleetHost].Remove("app", remove)
			res, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
			require.NoError(t, err)
			require.Equal(t, domain.ImageMissing, res.Image.Status)
		})
	}
}

func TestNothingIsDeletedWhenTheRegistryFailsOnTheWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op, key string
		digest  bool // the registry can only delete digests
	}{
		"at the look at the tag":     {porttest.OpDescribe, "app:1", false},
		"at the deletion":            {porttest.OpDeleteTag, "app:1", false},
		"at the list of its tags":    {porttest.OpTags, "app", true},
		"amid the list of its tags":  {porttest.OpTags, "app:3", true},
		"at the look at a neighbour": {porttest.OpDescribe, "app:3", true},
	} {
		for _, fault := range []*domain.Error{
			{Code: domain.CodePrecondition, Reason: "registry_credentials", On: fleetHost, Message: "refused"},
			{Code: domain.CodeRateLimited, Reason: "registry_rate_limited", On: fleetHost, Message: "wait"},
			{Code: domain.CodeUnavailable, Reason: "registry_failed", On: fleetHost, Message: "500"},
		} {
			t.Run(name+"/"+fault.Reason, func(t *testing.T) {
				t.Parallel()
				f := newFleet(t, fleetAbilities(func(r port.Registry) port.Registry { return fleetNoDigests{r} }))
				img := f.image("app:1")[0]
				f.push("app:3")
				hub := f.registries[fleetHost]
				hub.NoTagDelete = c.digest
				hub.SetHook(fleetFailAt(c.op, c.key, fault))
				_, err := f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
				fleetError(t, err, fault.Code, fault.Reason)
				require.Equal(t, fleetHost, domain.OnOf(err))
				require.Equal(t, img, f.stored(img.ID).Image)
				require.Empty(t, hub.Calls(porttest.OpDeleteDigest))
				require.Equal(t, []string{"1", "3"}, f.tags("app"))
				entries := f.audit("image.untag")
				require.Equal(t, domain.AuditFailed, entries[0].Status)
				require.Equal(t, fault.Reason, entries[0].Reason)

				_, err = f.untag(actions.UntagImageFromRegistryAction{ImageID: img.ID})
				require.NoError(t, err, "and it can be repeated")
				require.Equal(t, []string{"3"}, f.tags("app"))
			})
		}
	}
}

// fleetNoDigests is a registry whose listing tells no digests, like most.
type fleetNoDigests struct{ port.Registry }

func (r fleetNoDigests) DeleteTag(ctx context.Context, ref domain.Reference) error {
	return r.Registry.(port.TagDeleter).DeleteTag(ctx, ref)
}

func (r fleetNoDigests) DeleteDigest(ctx context.Context, repo string, d domain.Digest) error {
	return r.Registry.(port.DigestDeleter).DeleteDigest(ctx, repo, d)
}

func (r fleetNoDigests) Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error] {
	return func(yield func(domain.TagRow, error) bool) {
		for row, err := range r.Registry.Tags(ctx, repo) {
			if !yield(domain.TagRow{Tag: row.Tag}, err) {
				return
			}
		}
	}
}
