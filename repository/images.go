package repository

import (
	"context"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// ImageRepository is the images that a scope can see. Returned values are
// copies. Every method returns not_found for an image that the scope may not
// know of and forbidden for one that it may see but not reach.
type ImageRepository interface {
	// Get returns one image by id, whatever its status.
	Get(ctx context.Context, id domain.ImageID) (domain.Image, error)
	// Find returns the candidates of a lookup that the scope can see, also those
	// out of its reach (which say so), whatever their status; none is an empty
	// slice. The order is: by id, by canonical, by alias; then architecture.
	Find(ctx context.Context, l domain.Lookup) ([]domain.Candidate, error)
	// Many returns the images of ids that the scope reaches, in the order of
	// ids; the others are left out.
	Many(ctx context.Context, ids []domain.ImageID) ([]domain.Image, error)
	// List returns a page of what the scope reaches, with aliases and installed
	// counts, in at most four statements whatever its size. Where the query
	// names a domain without reach any: forbidden; a group that the actor is not
	// in or a scaling group that may not be used: not_found.
	List(ctx context.Context, q domain.ImageQuery, p domain.Page) ([]domain.ImageDetail, domain.PageInfo, error)
	// Detail adds to an image what lists show beside it.
	Detail(ctx context.Context, img domain.Image) (domain.ImageDetail, error)
	// Save writes what an operator may change and raises the revision. A
	// revision that is not the stored one is conflict (revision_changed), an
	// identity that another image has is conflict (image_exists).
	Save(ctx context.Context, img domain.Image) (domain.Image, error)
	// Delete removes images with their aliases; ids that are not there or out of
	// reach are left alone. It returns the removed ids.
	Delete(ctx context.Context, ids []domain.ImageID) ([]domain.ImageID, error)
	// Siblings returns the other images behind the same tag: the same registry,
	// repository and tag, another architecture. Scope does not filter them:
	// what happens to a tag happens to all of them.
	Siblings(ctx context.Context, img domain.Image) ([]domain.Image, error)
	// Holders returns what agents hold of the images, by image, sorted by agent.
	// Images that nobody holds are not in the map.
	Holders(ctx context.Context, ids []domain.ImageID) (map[domain.ImageID][]domain.InstalledImage, error)
	// HoldingAgents returns the agents that hold an image, sorted by id, for
	// whoever reaches the image.
	HoldingAgents(ctx context.Context, id domain.ImageID) ([]domain.Agent, error)
	// Unheld records that agents no longer hold an image.
	Unheld(ctx context.Context, id domain.ImageID, agents []domain.AgentID) error
	// MarkMissing marks alive images that the scope reaches as missing, those
	// only whose revision is still the given one, and returns the marked ids.
	MarkMissing(ctx context.Context, at []domain.Image) ([]domain.ImageID, error)
	// OfTags returns what the catalogue has in one repository of a registry row,
	// also what the scope cannot see, and no more of that than which tags and
	// digests it is about: what is hidden here must not be had from the registry.
	OfTags(ctx context.Context, id domain.RegistryID, repo string) ([]KnownTag, error)
	// HiddenRepositories returns the repositories of a registry row in which the
	// catalogue has images, and none that the scope can see.
	HiddenRepositories(ctx context.Context, id domain.RegistryID) ([]string, error)
	// Judge says whether the scope would see and reach an image of a registry that
	// it sees, were it in the catalogue. It reads nothing.
	Judge(img domain.Image) (seen, reached bool)
	// Used sets the time of last use, never back.
	Used(ctx context.Context, id domain.ImageID, at time.Time) error
}

// KnownTag is one image of the catalogue as far as its tag and digests go.
type KnownTag struct {
	Tag              string
	Architecture     string
	TagDigest        domain.Digest
	ManifestDigest   domain.Digest
	Visible, InReach bool
}

// AdminImageRepository is all images, and what scans do to them.
type AdminImageRepository interface {
	ImageRepository
	// OfRepository returns every image of one repository of a registry row.
	OfRepository(ctx context.Context, id domain.RegistryID, repo string) ([]domain.Image, error)
	// Repositories returns the repositories that the catalogue has images of in
	// a registry row, alive ones only, sorted.
	Repositories(ctx context.Context, id domain.RegistryID) ([]string, error)
	// CountOf counts the images of a registry row; no status means all.
	CountOf(ctx context.Context, id domain.RegistryID, statuses ...domain.ImageStatus) (int, error)
	// Sync writes what a scan saw, row by row: added, updated or unchanged. It
	// touches only what registries say (digests, size, labels and what follows
	// from them); a missing image becomes alive, a forgotten one stays so. It
	// returns the rows as stored, in the order given.
	Sync(ctx context.Context, seen []domain.Image) ([]SyncedImage, error)
	// Clear forgets all alive and missing images of a registry row and returns
	// their ids.
	Clear(ctx context.Context, id domain.RegistryID) ([]domain.ImageID, error)
}

// SyncedImage is the outcome of one row of Sync.
type SyncedImage struct {
	Image domain.Image
	Did   domain.SyncOutcome
}

// AliasRepository is the aliases of images that a scope can see. Changing the
// alias of an image that is out of reach is forbidden.
type AliasRepository interface {
	// Create adds an alias; one that is taken is conflict (alias_taken), without
	// a word about an image that the scope may not know of. An alias that equals
	// the canonical name of an image is conflict (alias_shadows_image).
	Create(ctx context.Context, alias string, id domain.ImageID) (domain.Alias, error)
	// Get returns an alias; not_found when there is none.
	Get(ctx context.Context, alias string) (domain.Alias, error)
	// Delete removes an alias and returns it; not_found when there is none.
	Delete(ctx context.Context, alias string) (domain.Alias, error)
	// List returns a page of the aliases of images that the scope reaches.
	List(ctx context.Context, f domain.Filter, p domain.Page) ([]domain.AliasDetail, domain.PageInfo, error)
}
