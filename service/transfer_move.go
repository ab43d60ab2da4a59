package service

import (
	"cmp"
	"context"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// PushImage sends an image of a store to a registry. Errors: not_found,
// forbidden for a repository or a tag that is not the caller's to replace,
// precondition for a store that cannot push, and what store and registry say.
func (s *TransferService) PushImage(ctx context.Context, a actions.PushImageAction) (actions.PushImageResult, error) {
	return scoped(ctx, s.door, a, s.pushImage)
}

func (s *TransferService) pushImage(ctx context.Context, db repository.Scoped, a actions.PushImageAction) (res actions.PushImageResult, err error) {
	if a.Background {
		a.Background = false
		res.TaskID, err = s.tasks.inBackground(ctx, db, a)
		return res, err
	}
	if a.Remote == "" {
		if a.Remote, err = s.pushName(a.Local); err != nil {
			return res, err
		}
	}
	r, err := s.pushTarget(ctx, db, a.Remote)
	if err != nil {
		return res, err
	}
	store, done, err := s.store(ctx, db, a.Store, a.AgentID)
	if err != nil {
		return res, err
	}
	defer done()
	pusher, can := store.(port.Pusher)
	if !can {
		return res, cannot("push_unsupported", a.AgentID, "send images")
	}
	row, err := s.clients.unsealed(r.row)
	if err != nil {
		return res, err
	}
	err = s.move(ctx, r.ref, func(ctx context.Context, sink domain.TransferSink) (domain.TaskItem, error) {
		out, err := pusher.Push(ctx, domain.PushRequest{Local: a.Local, Remote: r.ref, Registry: row, Architecture: a.Architecture}, sink)
		res = actions.PushImageResult{Image: r.ref.Canonical(), Digest: out.Digest, SizeBytes: out.SizeBytes, SentBytes: out.SentBytes, Unchanged: out.Unchanged}
		return itemMoved(out.Unchanged, out.SizeBytes), err
	})
	return res, err
}

// pushName is what a local image is called in the current cluster.
func (s *TransferService) pushName(name string) (string, error) {
	clusters := s.names.parser.Clusters
	if len(clusters.All) == 0 {
		return "", domain.Invalid("field_required", "remote", "remote: where to push %s; without it the name is that of a cluster, and none is configured", domain.Quote(name))
	}
	local, err := clusters.ParseLocal(name)
	if err != nil {
		return "", err
	}
	target, err := clusters.PushTarget(local)
	return target.String(), err
}

// pushTarget is where a push may go: a repository in reach, and a tag that is
// new or that the scope may see.
func (s *TransferService) pushTarget(ctx context.Context, db repository.Scoped, name string) (*remote, error) {
	r, err := s.openNamed(ctx, db, name)
	if err != nil {
		return nil, err
	}
	if err := r.toTag(); err != nil {
		return nil, err
	}
	if err := r.held(); err != nil {
		return nil, err
	}
	if a, known := r.ofTag(r.ref.Tag); known {
		if !a.seen {
			return nil, tagTaken(r.ref)
		}
		return r, nil
	}
	if r.seesAll() {
		return r, nil
	}
	d, err := r.reg.Describe(ctx, r.ref, "")
	switch {
	case domain.CodeOf(err) == domain.CodeNotFound:
		return r, nil
	case err != nil:
		return nil, err
	case !r.ofContent(d).seen:
		return nil, tagTaken(r.ref)
	}
	return r, nil
}

// toTag refuses to push to a digest.
func (r *remote) toTag() error {
	if r.ref.Digest != "" {
		return domain.Invalid("reference_invalid", "remote", "an image is pushed to a tag, not to a digest: %s", r.ref)
	}
	return nil
}

// held refuses repositories that are not in the scope's reach.
func (r *remote) held() error {
	if !r.db.Read().Registries.Holds(r.row, r.ref.Path) {
		return domain.Errorf(domain.CodeForbidden, "repository_out_of_reach", r.ref.Repository(), "you may not push to %s: it is in none of your projects", r.ref.Repository())
	}
	return nil
}

func tagTaken(ref domain.Reference) error {
	return domain.Errorf(domain.CodeForbidden, "tag_out_of_reach", ref.Canonical(), "%s is not yours to replace; choose another tag", ref)
}

// PullImage fetches an image from a registry into a store. Errors: not_found,
// precondition for a store that cannot fetch, and what store and registry say.
func (s *TransferService) PullImage(ctx context.Context, a actions.PullImageAction) (actions.PullImageResult, error) {
	return scoped(ctx, s.door, a, s.pullImage)
}

func (s *TransferService) pullImage(ctx context.Context, db repository.Scoped, a actions.PullImageAction) (res actions.PullImageResult, err error) {
	if a.Background {
		a.Background = false
		res.TaskID, err = s.tasks.inBackground(ctx, db, a)
		return res, err
	}
	r, err := s.openNamed(ctx, db, a.Remote)
	if err != nil {
		return res, err
	}
	found, _, err := r.described(ctx, r.ref)
	if err != nil {
		return res, err
	}
	store, done, err := s.store(ctx, db, a.Store, a.AgentID)
	if err != nil {
		return res, err
	}
	defer done()
	fetcher, can := store.(port.Fetcher)
	if !can {
		return res, cannot("fetch_unsupported", a.AgentID, "fetch images under another name")
	}
	row, err := s.clients.unsealed(r.row)
	if err != nil {
		return res, err
	}
	if a.Local == "" {
		a.Local = s.localName(r.row, r.ref)
	}
	err = s.move(ctx, r.ref, func(ctx context.Context, sink domain.TransferSink) (domain.TaskItem, error) {
		out, err := fetcher.Fetch(ctx, domain.FetchRequest{Remote: r.ref, Registry: row, Manifest: found.Digest, Architecture: a.Architecture, Local: a.Local}, sink)
		res = actions.PullImageResult{
			Image: r.ref.Canonical(), Local: a.Local, Digest: out.Digest, Config: out.Config,
			SizeBytes: out.SizeBytes, ReceivedBytes: out.ReceivedBytes, Unchanged: out.Unchanged,
		}
		return itemMoved(out.Unchanged, out.SizeBytes), err
	})
	return res, err
}

// localName is the name below the project, that of the cluster or of the row,
// with the tag.
func (s *TransferService) localName(row domain.Registry, ref domain.Reference) string {
	tag := cmp.Or(ref.Tag, "latest")
	tagged := domain.Reference{Registry: ref.Registry, Path: ref.Path, Tag: tag}
	if i, err := s.names.parser.Clusters.RemoteOf(tagged); err == nil && i.IsPlatform() {
		return i.LocalName().String()
	}
	name, err := ref.Within(row.Project)
	if err != nil || name == "" {
		name = ref.Path
	}
	return name + ":" + tag
}

// store opens where an image is: a node, or what is at hand. Whoever asked calls
// done.
func (s *TransferService) store(ctx context.Context, db repository.Scoped, address string, agent domain.AgentID) (store any, done func(), err error) {
	if agent != "" {
		row, err := db.Read().Agents.Get(ctx, agent)
		if err != nil {
			return nil, nil, err
		}
		store, err = s.clients.agent(ctx, row)
		return store, func() {}, err
	}
	return atHand(ctx, s.local, address)
}

func cannot(reason string, agent domain.AgentID, what string) error {
	return domain.Errorf(domain.CodePrecondition, reason, string(agent), "%s cannot %s", agent, what)
}

func itemMoved(unchanged bool, bytes int64) domain.TaskItem {
	if unchanged {
		return domain.TaskItem{State: domain.ItemUnchanged, Bytes: bytes}
	}
	return domain.TaskItem{State: domain.ItemDone, Bytes: bytes}
}

// move runs a transfer as one item, again while errors pass, until no byte moves.
func (s *TransferService) move(ctx context.Context, ref domain.Reference, do func(context.Context, domain.TransferSink) (domain.TaskItem, error)) error {
	return s.single(ctx, ref.Canonical(), ref.Registry, func(ctx context.Context, sink domain.TransferSink) (item domain.TaskItem, err error) {
		err = s.tried(ctx, sink, func(ctx context.Context, sink domain.TransferSink) (err error) {
			item, err = do(ctx, sink)
			return err
		})
		return item, err
	})
}

// tried runs a transfer again while its errors pass; an attempt ends when no byte
// moves.
func (s *TransferService) tried(ctx context.Context, sink domain.TransferSink, do func(context.Context, domain.TransferSink) error) error {
	return retried(ctx, s.fleet.PullAttempts, s.fleet.PullBackoff, func() error {
		return watchedTransfer(ctx, s.fleet.PullStall, sink, func(ctx context.Context, sink domain.TransferSink) error {
			return safely(func() error { return do(ctx, sink) })
		})
	})
}

// single runs the one item of an action: with the limits of its registry, and
// with its events told.
func (s *TransferService) single(ctx context.Context, key, registry string, do func(context.Context, domain.TransferSink) (domain.TaskItem, error)) error {
	m := newMeter(ctx)
	if !m.task.pending(key) {
		return nil
	}
	m.add(1)
	m.task.plan(1)
	release, err := s.slots.take(ctx, "registry/"+registry, s.fleet.RegistryPulls)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, s.fleet.AgentPull)
	defer cancel()
	var item domain.TaskItem
	sink, done := tellers(ctx, m.task)
	err = safely(func() (err error) {
		item, err = do(ctx, sink)
		return err
	})
	done()
	item.Key, item.Problem = key, domain.ProblemOf(err)
	if err != nil {
		item.State = domain.ItemFailed
	}
	m.task.commit(ctx, item)
	m.step(item.Key)
	return err
}
