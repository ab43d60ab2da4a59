package service

import (
	"context"
	"sync"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// maxScanErrors bounds what a result carries; the account counts them all.
const maxScanErrors = 1000

// scan is the reconciliation of one registry row.
type scan struct {
	db    repository.Admin
	row   domain.Registry
	reg   port.Registry
	fleet Fleet
	meter *meter
	slots chan struct{} // bounds the requests of all repositories together

	listing error // that broke off

	mu      sync.Mutex
	account actions.RegistryScan
}

// tagOutcome is what came of one tag.
type tagOutcome struct {
	tag     string
	read    bool // in full: it holds what was seen, and nothing else
	seen    []domain.Image
	known   int // rows that are as they were
	skipped int
	err     error
}

// repository scans one repository: the rows as they are now, then the listing,
// then each tag, then one commit. Whatever another call did to a row meanwhile
// has raised its revision, and so keeps it from being marked as gone.
func (sc *scan) repository(ctx context.Context, repo string) (did actions.RegistryScan, err error) {
	rows, err := sc.db.Read().Images.OfRepository(ctx, sc.row.ID, repo)
	if err != nil {
		return did, err
	}
	tags, listing := sc.tags(ctx, repo)
	sc.meter.add(len(tags))
	outcomes := make([]tagOutcome, len(tags))
	errs := fan(sc.fleet.Requests, len(tags), func(i int) error {
		sc.slots <- struct{}{}
		defer func() { <-sc.slots }()
		outcomes[i] = sc.tag(ctx, domain.Reference{Registry: sc.row.Name, Path: repo, Tag: tags[i]}, rows)
		sc.meter.step(repo + ":" + tags[i])
		return nil
	})
	for i, err := range errs { // a panic
		if err != nil {
			outcomes[i] = tagOutcome{tag: tags[i], err: err}
		}
	}
	if did, err = sc.commit(ctx, repo, rows, outcomes, listing == nil); err != nil {
		return did, err
	}
	return did, listing
}

// tags lists a repository, each tag once. A repository that the registry itself
// names and that it then does not have is one without tags.
func (sc *scan) tags(ctx context.Context, repo string) ([]string, error) {
	var tags []string
	seen := map[string]bool{}
	for row, err := range sc.reg.Tags(ctx, repo) {
		if len(tags) == 0 && domain.ReasonOf(err) == "repository_not_found" {
			return nil, nil
		}
		if err != nil {
			return tags, err
		}
		if !seen[row.Tag] {
			seen[row.Tag] = true
			tags = append(tags, row.Tag)
		}
	}
	return tags, nil
}

// tag reads one tag, with one request when it still points to what is known.
func (sc *scan) tag(ctx context.Context, ref domain.Reference, rows []domain.Image) tagOutcome {
	out := tagOutcome{tag: ref.Tag}
	if out.err = ctx.Err(); out.err != nil {
		return out
	}
	if out.err = domain.ValidateTag(ref.Tag); out.err != nil {
		return out
	}
	known, count := knownDigest(rows, ref.Tag)
	found, err := sc.reg.Describe(ctx, ref, known)
	switch {
	case err != nil:
		out.err = err
	case found.Unchanged:
		out.known = count
	default:
		out.read = true
		out.seen = imagesOf(sc.row, ref, found)
		out.skipped = len(found.Skipped)
	}
	return out
}

// knownDigest is what all rows of a tag agree on; "" asks for a full look: when
// they differ, or when one of them is missing and may have come back.
func knownDigest(rows []domain.Image, tag string) (known domain.Digest, count int) {
	for _, r := range rows {
		switch {
		case r.Tag != tag:
		case r.Status == domain.ImageMissing, known != "" && r.TagDigest != known:
			return "", 0
		default:
			known = r.TagDigest
			count++
		}
	}
	return known, count
}

// commit writes what a repository's tags hold and marks what a complete
// listing did not show.
func (sc *scan) commit(ctx context.Context, repo string, rows []domain.Image, outcomes []tagOutcome, complete bool) (actions.RegistryScan, error) {
	var seen, gone []domain.Image
	read := map[string]map[string]bool{} // tag -> architectures; nil: all of its rows stay
	for _, o := range outcomes {
		read[o.tag] = nil
		if !o.read {
			continue
		}
		archs := map[string]bool{}
		for _, img := range o.seen {
			archs[img.Architecture] = true
		}
		read[o.tag] = archs
		seen = append(seen, o.seen...)
	}
	for _, r := range rows {
		archs, listed := read[r.Tag]
		if listed && archs != nil && !archs[r.Architecture] || !listed && complete {
			gone = append(gone, r)
		}
	}
	var synced []repository.SyncedImage
	var marked []domain.ImageID
	if len(seen) > 0 || len(gone) > 0 {
		err := sc.db.InTx(ctx, func(ctx context.Context, tx repository.AdminView) (err error) {
			if synced, err = tx.Images.Sync(ctx, seen); err != nil {
				return err
			}
			marked, err = tx.Images.MarkMissing(ctx, gone)
			return err
		})
		if err != nil {
			return unwritten(outcomes, len(seen)), err
		}
	}
	return sc.count(repo, outcomes, synced, len(marked)), nil
}

// count is the account of one repository.
func (sc *scan) count(repo string, outcomes []tagOutcome, synced []repository.SyncedImage, gone int) actions.RegistryScan {
	a := actions.RegistryScan{Gone: gone}
	for _, one := range synced {
		a.Seen++
		switch one.Did {
		case domain.SyncAdded:
			a.Added++
		case domain.SyncUpdated:
			a.Updated++
		case domain.SyncUnchanged:
			a.Unchanged++
		}
	}
	for _, o := range outcomes {
		a.Seen += o.known + o.skipped
		a.Unchanged += o.known
		a.Skipped += o.skipped
		if o.err != nil {
			a.Seen++
			a.Failed++
			on := sc.row.Name + "/" + repo + ":" + o.tag
			a.Errors = append(a.Errors, actions.ScanError{On: on, Problem: *domain.ProblemOf(o.err)})
			sc.mu.Lock()
			sc.note(on, o.err)
			sc.mu.Unlock()
		}
	}
	return a
}

// unwritten counts what was read and could not be stored.
func unwritten(outcomes []tagOutcome, images int) actions.RegistryScan {
	var a actions.RegistryScan
	for _, o := range outcomes {
		a.Seen += o.known + o.skipped
		a.Unchanged += o.known
		a.Skipped += o.skipped
		if o.err != nil {
			images++
		}
	}
	a.Seen += images
	a.Failed += images
	return a
}

// gone marks rows that a complete listing did not name.
func (sc *scan) gone(ctx context.Context, rows []domain.Image) error {
	did, err := sc.commit(ctx, "", rows, nil, true)
	sc.mu.Lock()
	sc.account.Gone += did.Gone
	sc.mu.Unlock()
	return err
}

// skip counts something that cannot be an image.
func (sc *scan) skip(on string, err error) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.account.Seen++
	sc.account.Skipped++
	sc.note(on, err)
}

// incomplete notes a listing or a commit that failed.
func (sc *scan) incomplete(on string, err error) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.account.Complete = false
	sc.note(on, err)
}

func (sc *scan) note(on string, err error) {
	if len(sc.account.Errors) < maxScanErrors {
		sc.account.Errors = append(sc.account.Errors, actions.ScanError{On: on, Problem: *domain.ProblemOf(err)})
	}
}
