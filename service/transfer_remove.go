package service

import (
	"context"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// RemoveRemoteImage deletes digests from registries. What cannot be deleted is
// in its outcome and stops no other. Errors: invalid.
func (s *TransferService) RemoveRemoteImage(ctx context.Context, a actions.RemoveRemoteImageAction) (actions.RemoveRemoteImageResult, error) {
	return scoped(ctx, s.door, a, s.removeRemote)
}

func (s *TransferService) removeRemote(ctx context.Context, db repository.Scoped, a actions.RemoveRemoteImageAction) (actions.RemoveRemoteImageResult, error) {
	res := actions.RemoveRemoteImageResult{Outcomes: []actions.RemovedRemote{}, DryRun: a.DryRun}
	p := removalPlan{service: s, db: db, force: a.Force, dry: a.DryRun, at: map[string]*doomed{}}
	for _, name := range a.Images {
		if err := p.add(ctx, name, a.Digest); err != nil {
			res.Outcomes = append(res.Outcomes, actions.RemovedRemote{Image: name, Tags: []string{}, Did: actions.RemoteFailed, Problem: domain.ProblemOf(err)})
		}
	}
	res.Outcomes = append(res.Outcomes, p.gone...)
	m := newMeter(ctx)
	m.add(len(p.list))
	for _, one := range p.list {
		out := p.remove(ctx, one)
		m.step(out.Image)
		res.Outcomes = append(res.Outcomes, out)
	}
	return res, ctx.Err()
}

// removalPlan gathers digests: each is deleted once, however many names led to
// it.
type removalPlan struct {
	service    *TransferService
	db         repository.Scoped
	force, dry bool

	at   map[string]*doomed // by repository@digest
	list []*doomed
	gone []actions.RemovedRemote
}

// doomed is a digest that somebody named.
type doomed struct {
	remote *remote
	digest domain.Digest
	access access
	named  map[string]bool // tags by which it was named
}

// add reads what a name means. A tag that is gone is an outcome, and no error.
func (p *removalPlan) add(ctx context.Context, name string, digest domain.Digest) error {
	ref, whole, err := p.service.named(ctx, p.db, name)
	if err != nil {
		return err
	}
	r, err := p.service.remote(ctx, p.db, ref)
	if err != nil {
		return err
	}
	if digest != "" {
		ref.Digest = digest
	}
	if !whole || ref.Digest != "" {
		return p.doom(ctx, r, ref)
	}
	tags, err := r.tags(ctx, p.service.fleet.Requests)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := p.doom(ctx, r, r.tag(tag)); err != nil {
			return err
		}
	}
	return nil
}

func (p *removalPlan) doom(ctx context.Context, r *remote, ref domain.Reference) error {
	d, a, err := r.described(ctx, ref)
	if domain.ReasonOf(err) == "image_not_found" {
		p.gone = append(p.gone, actions.RemovedRemote{Image: ref.Canonical(), Digest: ref.Digest, Tags: []string{}, Did: actions.RemoteGone})
		return nil
	}
	if err != nil {
		return err
	}
	key := ref.Repository() + "@" + string(d.Digest)
	one := p.at[key]
	if one == nil {
		one = &doomed{remote: r, digest: d.Digest, access: a, named: map[string]bool{}}
		p.at[key], p.list = one, append(p.list, one)
	}
	one.named[ref.Tag] = true
	return nil
}

// remove deletes one digest, if nothing protects it.
func (p *removalPlan) remove(ctx context.Context, d *doomed) actions.RemovedRemote {
	out := actions.RemovedRemote{Image: d.remote.ref.Repository(), Digest: d.digest, Tags: []string{}, Did: actions.RemoteFailed}
	tags, err := d.tags(ctx, p.service.fleet.Requests)
	if err == nil {
		out.Tags = tags
		err = d.shared(tags, p.force)
	}
	deleter, can := d.remote.reg.(port.DigestDeleter)
	if err == nil && !can {
		err = domain.Errorf(domain.CodePrecondition, "delete_unsupported", d.remote.row.String(), "the registry %s cannot delete digests", d.remote.row)
	}
	switch {
	case p.dry:
		out.Did = actions.RemoteWouldRemove
	case err == nil:
		if err = deleter.DeleteDigest(ctx, d.remote.ref.Path, d.digest); err == nil {
			out.Did = actions.RemoteRemoved
			err = p.missing(ctx, d, tags)
		}
	}
	out.Problem = domain.ProblemOf(err)
	return out
}

// tags finds the tags that point to the digest, or to an index that it is part
// of. It refuses when one of them is beyond the scope: force is not for other
// people's images.
func (d *doomed) tags(ctx context.Context, requests int) ([]string, error) {
	r := d.remote
	pointing, err := d.pointing(ctx, requests)
	if err != nil {
		return nil, err
	}
	may := d.access.reached || r.db.Read().Registries.Holds(r.row, r.ref.Path)
	for _, tag := range pointing {
		a, known := r.ofTag(tag)
		may = may && (!known || a.seen)
	}
	for _, rows := range r.known {
		for _, k := range rows {
			if k.ManifestDigest == d.digest && k.TagDigest != d.digest && !slices.Contains(pointing, k.Tag) {
				pointing, may = append(pointing, k.Tag), may && k.Visible
			}
		}
	}
	if !may {
		return nil, domain.Errorf(domain.CodeForbidden, "image_out_of_reach", r.ref.Repository(), "you may not remove %s from %s", d.digest, r.ref.Repository())
	}
	slices.Sort(pointing)
	return pointing, nil
}

// pointing asks the registry for every tag. Not knowing the neighbours is no
// licence to remove them.
func (d *doomed) pointing(ctx context.Context, requests int) ([]string, error) {
	r := d.remote
	var tags []string
	for row, err := range r.reg.Tags(ctx, r.ref.Path) {
		if err != nil {
			return nil, err
		}
		if row.Digest == "" || row.Digest == d.digest {
			tags = append(tags, row.Tag)
		}
	}
	same := make([]bool, len(tags))
	for _, err := range fan(requests, len(tags), func(i int) error {
		now, err := r.reg.Describe(ctx, r.tag(tags[i]), d.digest)
		if domain.CodeOf(err) == domain.CodeNotFound {
			return nil
		}
		same[i] = err == nil && (now.Unchanged || now.Digest == d.digest)
		return err
	}) {
		if err != nil {
			return nil, err
		}
	}
	list := []string{}
	for i, tag := range tags {
		if same[i] {
			list = append(list, tag)
		}
	}
	return list, nil
}

// shared refuses to take tags along that nobody named.
func (d *doomed) shared(tags []string, force bool) error {
	others := slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return d.named[tag] })
	if force || len(others) == 0 || len(tags) == 1 {
		return nil
	}
	return domain.Errorf(domain.CodePrecondition, "digest_shared", d.remote.ref.Repository()+"@"+string(d.digest),
		"the tags %s go with it; use force to remove them all", strings.Join(others, ", "))
}

// missing marks what the catalogue has of the tags.
func (p *removalPlan) missing(ctx context.Context, d *doomed, tags []string) error {
	return p.db.InTx(ctx, func(ctx context.Context, tx repository.View) error {
		var gone []domain.Image
		for _, tag := range tags {
			found, err := tx.Images.Find(ctx, domain.Lookup{Canonical: d.remote.tag(tag).Canonical()})
			if err != nil {
				return err
			}
			for _, c := range found {
				gone = append(gone, c.Image)
			}
		}
		_, err := tx.Images.MarkMissing(ctx, gone)
		return err
	})
}
