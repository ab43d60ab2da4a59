package service

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

// maxListed bounds what one listing of a registry may name.
const maxListed = 1_000_000

// ListRemoteImages lists what a registry has. Errors: not_found for a registry
// that is not registered, precondition where it cannot list, and what it says.
func (s *TransferService) ListRemoteImages(ctx context.Context, a actions.ListRemoteImagesAction) (actions.ListRemoteImagesResult, error) {
	return scoped(ctx, s.door, a, s.listRemoteImages)
}

func (s *TransferService) listRemoteImages(ctx context.Context, db repository.Scoped, a actions.ListRemoteImagesAction) (actions.ListRemoteImagesResult, error) {
	res := actions.ListRemoteImagesResult{Images: []actions.RemoteRepository{}}
	page, err := a.Check(actions.RemoteFields, "repository")
	if err != nil {
		return res, err
	}
	pattern, err := regexp.Compile("^(?:" + cmp.Or(a.Name, ".*") + ")$")
	if err != nil {
		return res, domain.Invalid("pattern_invalid", "name", "not a regular expression: %s", domain.Quote(a.Name))
	}
	if a.Registry == "" {
		cluster, err := s.currentCluster()
		if err != nil {
			return res, err
		}
		a.Registry = cluster.Registry
	}
	rows, claims, err := s.rowsOf(ctx, db, a.Registry)
	if err != nil {
		return res, err
	}
	var all []actions.RemoteRepository
	for _, row := range rows {
		l := repositoryListing{db: db, row: row, claims: claims, pattern: pattern}
		if err := l.run(ctx, s.clients); err != nil {
			return res, err
		}
		all, res.Skipped = append(all, l.found...), res.Skipped+l.skipped
	}
	res.Images, res.PageInfo, err = paged(all, page, func(r actions.RemoteRepository) string { return r.Image })
	for i, r := range res.Images {
		res.Images[i].URI = s.uri(domain.Reference{Registry: strings.TrimSuffix(r.Image, "/"+r.Repository), Path: r.Repository})
	}
	return res, err
}

func (s *TransferService) currentCluster() (domain.Cluster, error) {
	clusters := s.names.parser.Clusters
	if len(clusters.All) == 0 {
		return domain.Cluster{}, domain.Invalid("field_required", "registry", "registry: which one to list; without it, that of the current cluster is, and none is configured")
	}
	return clusters.Get("")
}

// uri is the image: URI of a reference in a cluster, "" of others.
func (s *TransferService) uri(ref domain.Reference) string {
	i, err := s.names.parser.Clusters.RemoteOf(ref)
	if err != nil || !i.IsPlatform() {
		return ""
	}
	return i.String()
}

// rowsOf are the visible rows that a user means, host or host/project, and who
// else is on the host.
func (s *TransferService) rowsOf(ctx context.Context, db repository.Scoped, name string) (rows []domain.Registry, claims []repository.RegistryClaim, err error) {
	host, project, one := strings.Cut(name, "/")
	if domain.IsID(name) {
		row, err := db.Read().Registries.Get(ctx, domain.RegistryID(name))
		if err != nil {
			return nil, nil, err
		}
		host, project, one = row.Name, row.Project, true
	}
	if host, err = domain.NormalizeRegistryHost(host); err != nil {
		return nil, nil, err
	}
	if claims, err = db.Read().Registries.Claims(ctx, host); err != nil {
		return nil, nil, err
	}
	for _, c := range claims {
		if !c.Visible || one && c.Project != project {
			continue
		}
		row, err := db.Read().Registries.Get(ctx, c.ID)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, nil, domain.NotFound("registry", name)
	}
	return rows, claims, nil
}

// repositoryListing lists the repositories of one row.
type repositoryListing struct {
	db      repository.Scoped
	row     domain.Registry
	claims  []repository.RegistryClaim
	pattern *regexp.Regexp

	found   []actions.RemoteRepository
	skipped int
}

func (l *repositoryListing) run(ctx context.Context, c *clients) error {
	reg, err := c.registry(ctx, l.row)
	if err != nil {
		return err
	}
	hidden, err := l.db.Read().Images.HiddenRepositories(ctx, l.row.ID)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for repo, err := range reg.Repositories(ctx) {
		if err != nil {
			return err
		}
		if seen[repo] {
			continue // pages shift while others push
		}
		if seen[repo] = true; len(seen) > maxListed {
			return domain.Errorf(domain.CodePrecondition, "listing_too_long", l.row.String(), "%s has more than %d repositories", l.row, maxListed)
		}
		if domain.ValidateRepositoryPath(repo) != nil {
			l.skipped++
			continue
		}
		claim, ok := claimOf(l.claims, l.row.Name, repo)
		if _, isHidden := slices.BinarySearch(hidden, repo); !ok || claim.ID != l.row.ID || isHidden || !l.pattern.MatchString(repo) {
			continue
		}
		l.found = append(l.found, actions.RemoteRepository{Image: domain.JoinPath(l.row.Name, repo), Repository: repo, RegistryID: l.row.ID})
	}
	return nil
}

// paged cuts a page out of a list that is there as a whole.
func paged[T any](list []T, p domain.Page, key func(T) string) ([]T, domain.PageInfo, error) {
	order := func(a, b string) int {
		if p.Desc {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	}
	slices.SortFunc(list, func(a, b T) int { return order(key(a), key(b)) })
	var info domain.PageInfo
	if p.Count {
		n := len(list)
		info.Total = &n
	}
	if p.After != "" {
		c, err := domain.ParseCursor(p.After, p.Sort, p.Desc)
		if err != nil {
			return nil, info, err
		}
		list = list[sort.Search(len(list), func(i int) bool { return order(key(list[i]), c.ID) > 0 }):]
	}
	if len(list) > p.Limit {
		list = list[:p.Limit]
		last := key(list[p.Limit-1])
		info.Next = domain.Cursor{Sort: p.Sort, Desc: p.Desc, Key: last, ID: last}.String()
	}
	return append([]T{}, list...), info, nil
}

// ListImageTags lists the tags of a repository. Errors: invalid for a name with
// a tag, not_found, and what the registry says.
func (s *TransferService) ListImageTags(ctx context.Context, a actions.ListImageTagsAction) (actions.ListImageTagsResult, error) {
	return scoped(ctx, s.door, a, s.listImageTags)
}

func (s *TransferService) listImageTags(ctx context.Context, db repository.Scoped, a actions.ListImageTagsAction) (actions.ListImageTagsResult, error) {
	res := actions.ListImageTagsResult{Tags: []actions.RemoteTag{}}
	page, err := a.Check(actions.RemoteFields, "tag")
	if err != nil {
		return res, err
	}
	ref, whole, err := s.named(ctx, db, a.Image)
	if err != nil {
		return res, err
	}
	if !whole && s.names.parser.HasTag(a.Image) { // an alias stands for its repository here
		return res, domain.Invalid("tag_not_allowed", "image", "the tags of a repository are listed; name it without a tag: %s", ref.Repository())
	}
	r, err := s.remote(ctx, db, ref)
	if err != nil {
		return res, err
	}
	tags, err := r.tags(ctx, s.fleet.Requests)
	if err != nil {
		return res, err
	}
	list := make([]actions.RemoteTag, len(tags))
	for i, tag := range tags {
		list[i] = actions.RemoteTag{Name: tag, Image: r.tag(tag).Canonical(), URI: s.uri(r.tag(tag))}
	}
	if res.Tags, res.PageInfo, err = paged(list, page, func(t actions.RemoteTag) string { return t.Name }); err != nil || !a.Sizes {
		return res, err
	}
	for i, err := range fan(s.fleet.Requests, len(res.Tags), func(i int) error {
		info, err := s.tagInfo(ctx, r, r.tag(res.Tags[i].Name), "")
		if err == nil {
			res.Tags[i].SizeBytes = &info.SizeBytes
		}
		return err
	}) {
		res.Tags[i].Problem = domain.ProblemOf(err)
	}
	return res, ctx.Err()
}

func (r *remote) tag(tag string) domain.Reference {
	return domain.Reference{Registry: r.ref.Registry, Path: r.ref.Path, Tag: tag}
}

// tags are the tags that the scope may know of. What the catalogue does not
// know is asked for, unless the scope sees everything: one of them may be
// somebody's own.
func (r *remote) tags(ctx context.Context, requests int) ([]string, error) {
	var tags, unknown []string
	for row, err := range r.reg.Tags(ctx, r.ref.Path) {
		if err != nil {
			return nil, err
		}
		if len(tags)+len(unknown) >= maxListed {
			return nil, domain.Errorf(domain.CodePrecondition, "listing_too_long", r.ref.Repository(), "%s has more than %d tags", r.ref.Repository(), maxListed)
		}
		switch a, known := r.ofTag(row.Tag); {
		case known && a.seen:
			tags = append(tags, row.Tag)
		case known, domain.ValidateTag(row.Tag) != nil:
		default:
			unknown = append(unknown, row.Tag)
		}
	}
	if r.seesAll() {
		return append(tags, unknown...), nil
	}
	for i, err := range fan(requests, len(unknown), func(i int) error {
		_, _, err := r.described(ctx, r.tag(unknown[i]))
		return err
	}) {
		switch domain.CodeOf(err) {
		case "":
			tags = append(tags, unknown[i])
		case domain.CodeNotFound: // hidden, or gone by now
		default:
			return nil, err
		}
	}
	return tags, nil
}

// seesAll reports whether no image could be hidden from the scope.
func (r *remote) seesAll() bool {
	seen, _ := r.db.Read().Images.Judge(domain.Image{Customized: true})
	return seen
}
