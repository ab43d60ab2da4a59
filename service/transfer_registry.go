package service

import (
	"context"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// TransferService is the room of what registries have now, and of images on
// their way between them and stores.
type TransferService struct {
	door    *door
	names   names
	clients *clients
	fleet   Fleet
	tasks   *TaskService
	slots   *slots
	local   port.OpenLocal
	quota   int // of customized images; 0: none
	now     func() time.Time
}

// remote is a repository of a registry as a scope may use it: what the catalogue
// hides is not to be had from the registry either.
type remote struct {
	db    repository.Scoped
	row   domain.Registry
	reg   port.Registry
	ref   domain.Reference
	known map[string][]repository.KnownTag // by tag; what the catalogue has of the repository
}

// named reads a name: a reference, an id, or an alias. Whole is set when it has
// neither tag nor digest, and so can stand for a repository.
func (s *TransferService) named(ctx context.Context, db repository.Scoped, name string) (ref domain.Reference, whole bool, err error) {
	l, err := domain.NewLookup(s.names.parser, name)
	if err != nil {
		return ref, false, err
	}
	if l.ID != "" || l.Alias != "" {
		found, err := db.Read().Images.Find(ctx, domain.Lookup{ID: l.ID, Canonical: l.Canonical, Alias: l.Alias})
		if err != nil {
			return ref, false, err
		}
		if len(found) > 0 && found[0].Via != domain.ViaCanonical {
			return found[0].Image.Reference(), false, nil
		}
	}
	if l.Canonical == "" && l.Digest == "" {
		return ref, false, domain.NotFound("image", name)
	}
	ref, err = s.names.parser.Parse(strings.TrimSpace(name))
	return ref, !s.names.parser.HasTag(strings.TrimSpace(name)), err
}

// remote opens the repository of a reference. Errors: not_found for one whose
// registry is not registered, or not for the scope.
func (s *TransferService) remote(ctx context.Context, db repository.Scoped, ref domain.Reference) (*remote, error) {
	row, err := s.owner(ctx, db, ref.Registry, ref.Path)
	if err != nil {
		return nil, err
	}
	reg, err := s.clients.registry(ctx, row)
	if err != nil {
		return nil, err
	}
	r := &remote{db: db, row: row, reg: reg, ref: ref, known: map[string][]repository.KnownTag{}}
	list, err := db.Read().Images.OfTags(ctx, row.ID, ref.Path)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		r.known[k.Tag] = append(r.known[k.Tag], k)
	}
	return r, nil
}

// owner is the registry row that a repository belongs to, among all rows: one
// that the scope cannot see is nobody else's.
func (s *TransferService) owner(ctx context.Context, db repository.Scoped, host, repo string) (domain.Registry, error) {
	claims, err := db.Read().Registries.Claims(ctx, host)
	if err != nil {
		return domain.Registry{}, err
	}
	claim, ok := claimOf(claims, host, repo)
	if !ok || !claim.Visible {
		return domain.Registry{}, domain.NotFound("registry", host)
	}
	return db.Read().Registries.Get(ctx, claim.ID)
}

// claimOf picks the claim with the longest project that a repository is in.
func claimOf(claims []repository.RegistryClaim, host, repo string) (best repository.RegistryClaim, ok bool) {
	for _, c := range claims {
		if ok && len(c.Project) < len(best.Project) {
			continue
		}
		if _, err := (domain.Reference{Registry: host, Path: repo}).Within(c.Project); err == nil {
			best, ok = c, true
		}
	}
	return best, ok
}

// access is what a scope may do with something of a registry.
type access struct{ seen, reached bool }

// ofTag tells what the catalogue says of a tag; false: it does not know it.
func (r *remote) ofTag(tag string) (access, bool) { return allOf(r.known[tag]) }

// ofDigest is the same for content: it may be seen when a tag that leads to it
// may, and reached when all that the catalogue knows may.
func (r *remote) ofDigest(d domain.Digest) (access, bool) {
	var list []repository.KnownTag
	for _, rows := range r.known {
		for _, k := range rows {
			if k.TagDigest == d || k.ManifestDigest == d {
				list = append(list, k)
			}
		}
	}
	a, ok := allOf(list)
	for _, k := range list {
		a.seen = a.seen || k.Visible
	}
	return a, ok
}

// allOf is what holds for all rows: a tag is one thing, whatever is behind it.
func allOf(rows []repository.KnownTag) (access, bool) {
	a := access{len(rows) > 0, len(rows) > 0}
	for _, k := range rows {
		a.seen, a.reached = a.seen && k.Visible, a.reached && k.InReach
	}
	return a, len(rows) > 0
}

// ofContent judges what the catalogue does not know by what the registry says
// of it. What is no image has no labels, and belongs to nobody.
func (r *remote) ofContent(d domain.Description) access {
	a := access{true, len(d.Images) > 0}
	for _, img := range imagesOf(r.row, r.ref, d) {
		img.Derive()
		seen, reached := r.db.Read().Images.Judge(img)
		a.seen, a.reached = a.seen && seen, a.reached && reached
	}
	if len(d.Images) == 0 {
		_, a.reached = r.db.Read().Images.Judge(domain.Image{})
	}
	return a
}

// described reads what is behind a reference, for who may see it. Errors:
// not_found for what is hidden, as for what is not there.
func (r *remote) described(ctx context.Context, ref domain.Reference) (domain.Description, access, error) {
	a, known := r.ofTag(ref.Tag)
	if ref.Digest != "" {
		a, known = r.ofDigest(ref.Digest)
	}
	if known && !a.seen {
		return domain.Description{}, a, notThere(ref)
	}
	d, err := r.reg.Describe(ctx, ref, "")
	switch {
	case domain.CodeOf(err) == domain.CodeNotFound:
		return d, a, notThere(ref)
	case err != nil:
		return d, a, err
	case !known:
		if a = r.ofContent(d); !a.seen {
			return domain.Description{}, a, notThere(ref)
		}
	}
	return d, a, nil
}

func notThere(ref domain.Reference) error {
	return domain.Errorf(domain.CodeNotFound, "image_not_found", ref.Canonical(), "the registry has no %s", ref)
}
