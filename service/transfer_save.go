package service

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
	"github.com/wharf-project/wharf/service/port"
)

// saveMargin is how much longer a place is held than a save may take.
const saveMargin = 10 * time.Minute

// saver is a node that can save containers.
type saver interface {
	port.Committer
	port.Pusher
}

// saving is one container on its way into a registry.
type saving struct {
	*TransferService
	db        repository.Scoped
	node      saver
	container domain.Container
	to        *remote
	labels    map[string]string
	place     repository.Reservation
	local     string   // what the image is called on the node, until it is pushed
	left      []string // what attempts before this one called it
}

// SaveImage makes a customized image of a container and sends it to a registry,
// where it takes one of the caller's places. The image is the caller's.
//
// Users do not see nodes. They may save the containers that carry their own id
// as [domain.LabelOwnerUserID], on any node: whoever starts containers for users
// says by that label whose they are, on every one of them, or an image could say
// it. All others are not_found for them. A grant over everything saves any.
//
// Errors: not_found, forbidden for a repository or a tag that is not the
// caller's (only customized images of their own are replaced), precondition for
// a node that cannot save and for a quota that is used up (quota_exceeded),
// conflict while the tag is being saved, and what node and registry say. What
// fails leaves neither a place nor a name on the node behind.
func (s *TransferService) SaveImage(ctx context.Context, a actions.SaveImageAction) (actions.SaveImageResult, error) {
	return run(ctx, s.door, a, func(ctx context.Context, c *Call) (actions.SaveImageResult, error) {
		return s.saveImage(ctx, s.door.scopedFor(c), callerOf(c), a)
	})
}

func (s *TransferService) saveImage(ctx context.Context, db repository.Scoped, who caller, a actions.SaveImageAction) (res actions.SaveImageResult, err error) {
	if a.Background {
		a.Background = false
		res.TaskID, err = s.tasks.inBackground(ctx, db, a)
		return res, err
	}
	sv, err := s.saving(ctx, db, who, a)
	if err != nil {
		return res, err
	}
	if a.DryRun {
		return actions.SaveImageResult{Image: sv.to.ref.Canonical(), DryRun: true}, sv.wouldReserve(ctx)
	}
	key := string(a.AgentID) + "/" + a.Container
	err = s.single(ctx, key, sv.to.ref.Registry, func(ctx context.Context, sink domain.TransferSink) (domain.TaskItem, error) {
		var err error
		res, err = sv.run(ctx, sink)
		return itemMoved(false, res.SizeBytes), err
	})
	return res, err
}

// maxLeft is how many attempts before this one are cleaned up after.
const maxLeft = 10

// saving looks at everything that can be wrong before anything is done. All
// tries of one task save under one name; on the node each has its own, so that
// one that is given up does not take it from the next.
func (s *TransferService) saving(ctx context.Context, db repository.Scoped, who caller, a actions.SaveImageAction) (*saving, error) {
	holder, try := string(domain.NewID[domain.TaskID]()), 0
	if task := attemptFrom(ctx); task != nil {
		holder, try = string(task.id), task.number
	}
	id := strings.ReplaceAll(holder, "-", "")
	name := func(try int) string { return "localhost/wharf-saved:" + id + "-" + strconv.Itoa(try) }
	sv := &saving{TransferService: s, db: db, local: name(try)}
	for n := max(1, try-maxLeft); n < try; n++ {
		sv.left = append(sv.left, name(n))
	}
	owner := "user:" + string(who.actor.ID)
	if domain.OwnerOf(map[string]string{domain.LabelCustomizedOwner: owner}) == "" {
		return nil, domain.Errorf(domain.CodePrecondition, "owner_invalid", string(who.actor.ID), "%s cannot own images", domain.Quote(string(who.actor.ID)))
	}
	var err error
	if a.Remote != "" {
		if sv.to, err = s.saveTarget(ctx, db, who.actor.ID, a.Remote); err != nil {
			return nil, err
		}
	}
	if sv.node, sv.container, err = s.containerOf(ctx, db, who, a.AgentID, a.Container); err != nil {
		return nil, err
	}
	if a.Remote == "" {
		name, err := besides(sv.container, id)
		if err != nil {
			return nil, err
		}
		if sv.to, err = s.saveTarget(ctx, db, who.actor.ID, name); err != nil {
			return nil, err
		}
	}
	sv.labels = savedLabels(a.Labels, sv.container, owner, id, sv.to.ref.Tag)
	sv.place = repository.Reservation{
		ID: string(domain.NewID[domain.TaskID]()), Holder: holder, Registry: sv.to.row.ID, Canonical: sv.to.ref.Canonical(), Quota: s.quota,
	}
	return sv, nil
}

// containerOf finds a container that is the caller's to save.
func (s *TransferService) containerOf(ctx context.Context, db repository.Scoped, who caller, agent domain.AgentID, id string) (saver, domain.Container, error) {
	row, err := db.Read().Saves.Node(ctx, agent)
	if domain.ReasonOf(err) == "agent_not_found" && !who.everywhere {
		err = domain.NotFound("container", id) // they are not told which nodes there are
	}
	if err != nil {
		return nil, domain.Container{}, err
	}
	store, err := s.clients.agent(ctx, row)
	if err != nil {
		return nil, domain.Container{}, err
	}
	node, can := store.(saver)
	if !can {
		return nil, domain.Container{}, cannot("save_unsupported", agent, "save containers")
	}
	c, err := node.Container(ctx, id)
	if err == nil && !who.everywhere && c.Labels[domain.LabelOwnerUserID] != string(who.actor.ID) {
		err = domain.NotFound("container", id)
	}
	return node, c, err
}

// saveTarget is where a container may be saved: a tag that is new, in a
// repository in reach, or that is a customized image of the user already. Anybody
// else's image would turn into one that only the user sees.
func (s *TransferService) saveTarget(ctx context.Context, db repository.Scoped, user domain.UserID, name string) (*remote, error) {
	ref, whole, err := s.named(ctx, db, name)
	if err != nil {
		return nil, err
	}
	r, err := s.remote(ctx, db, ref)
	if err != nil {
		return nil, err
	}
	if whole {
		return nil, domain.Invalid("tag_required", "remote", "say the tag that the image gets: %s:TAG", ref.Repository())
	}
	if err := r.toTag(); err != nil {
		return nil, err
	}
	there, err := r.behindTag(ctx)
	switch {
	case domain.CodeOf(err) == domain.CodeNotFound:
		return r, r.held()
	case err != nil:
		return nil, err
	}
	others := func(i domain.Image) bool { return !i.Customized || i.Owner != user }
	if len(there) == 0 || slices.ContainsFunc(there, others) {
		return nil, tagTaken(r.ref)
	}
	return r, nil
}

// behindTag are the images of a tag, as the catalogue has them, or else the
// registry; none for what may not be seen. Errors: not_found for a tag that is
// new.
func (r *remote) behindTag(ctx context.Context) (there []domain.Image, err error) {
	if a, known := r.ofTag(r.ref.Tag); known {
		if !a.seen {
			return nil, nil
		}
		found, err := r.db.Read().Images.Find(ctx, domain.Lookup{Canonical: r.ref.Canonical()})
		for _, c := range found {
			there = append(there, c.Image)
		}
		return there, err
	}
	d, err := r.reg.Describe(ctx, r.ref, "")
	if err != nil {
		return nil, err
	}
	there = imagesOf(r.row, r.ref, d)
	for i := range there {
		there[i].Derive()
	}
	return there, nil
}

// savedTag is the end of a tag that besides made.
var savedTag = regexp.MustCompile(`-?customized_[0-9a-f]{32}$`)

// besides is a new name in the repository of the image that a container runs.
func besides(c domain.Container, id string) (string, error) {
	ref, err := domain.ParseReference(c.ImageName)
	if err != nil || strings.HasPrefix(c.ImageName, "sha256:") {
		return "", domain.Invalid("field_required", "remote", "say where to save the container: the image that it runs has no name")
	}
	const longest = 128 // of a tag
	end := "-customized_" + id
	tag := savedTag.ReplaceAllString(ref.Tag, "")
	tag = tag[:min(len(tag), longest-len(end))] + end
	ref.Tag, ref.Digest = strings.TrimPrefix(tag, "-"), "" // the image may have had a digest only
	return ref.Canonical(), nil
}

// savedLabels are those of the new image. What it would inherit of other owners
// is emptied: a container of it is not theirs, nor of who saved it.
func savedLabels(extra map[string]string, c domain.Container, owner, id, name string) map[string]string {
	labels := map[string]string{}
	for label := range c.Labels {
		if domain.IsReservedLabel(label) {
			labels[label] = ""
		}
	}
	for label, value := range extra {
		labels[label] = value
	}
	labels[domain.LabelCustomizedOwner] = owner
	labels[domain.LabelCustomizedID] = id
	labels[domain.LabelCustomizedName] = name
	return labels
}
