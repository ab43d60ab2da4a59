package repositorytest

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var builtImages = []sentence{
	{"a built image comes back as it was stored, and its source stays", imagesComeBack},
	{"names of images are unique per model or pipeline", imageNames},
	{"an image changes only from the revision that was read, by one of many", imagesSaved},
	{"a pushed image is linked to the row of the catalogue while that names it and is visible", imagesLinked},
}

func createImage(t *testing.T, db repository.Scoped, of domain.Buildable, name string) (made domain.BuiltImage, err error) {
	t.Helper()
	b := domain.BuiltImage{SourceKind: of.Kind, Name: name, Tag: "latest", Repository: "task_one", RegistryHost: "cr.example.org", State: domain.BuildRunning, AgentID: "a1", Store: "docker", Local: "local", Builder: "me"}
	if b.ModelID = of.ID; of.Kind == domain.BuildablePipeline {
		b.ModelID, b.PipelineID = 0, of.ID
	}
	err = tryBuilds(t, db, func(ctx context.Context, builds repository.BuildRepository) (err error) {
		made, err = builds.CreateImage(ctx, b)
		return err
	})
	return made, err
}

func saveImage(t *testing.T, db repository.Scoped, b domain.BuiltImage) (saved domain.BuiltImage, err error) {
	t.Helper()
	err = tryBuilds(t, db, func(ctx context.Context, builds repository.BuildRepository) (err error) {
		saved, err = builds.SaveImage(ctx, b)
		return err
	})
	return saved, err
}

func deleteImage(t *testing.T, db repository.Scoped, id, revision int64) error {
	t.Helper()
	return tryBuilds(t, db, func(ctx context.Context, b repository.BuildRepository) error { return b.DeleteImage(ctx, id, revision) })
}

func imagesComeBack(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	bt := task(t, db, "one")
	m, p := model(t, db, bt.ID, "m"), pipeline(t, db, bt.ID, "p")
	for _, source := range []domain.Buildable{m, p} {
		made := must(createImage(t, db, source, "i é"))(t)
		want := domain.BuiltImage{
			ID: made.ID, TaskID: bt.ID, SourceKind: source.Kind, Name: "i é", Tag: "latest", Repository: "task_one", RegistryHost: "cr.example.org",
			Author: "alice", Domain: "default", State: domain.BuildRunning, AgentID: "a1", Store: "docker", Local: "local", Builder: "me",
			CreatedAt: Now, UpdatedAt: Now, Revision: 1,
		}
		if want.ModelID = source.ID; source.Kind == domain.BuildablePipeline {
			want.ModelID, want.PipelineID = 0, source.ID
		}
		wantSame(t, "what was made", made, want)
		wantSame(t, "what is read", must(db.Read().Builds.Image(t.Context(), made.ID))(t), want)

		made.State, made.Digest, made.ManifestDigest, made.Pushed = domain.BuildDone, digestOf("config"), digestOf("manifest"), "cr.example.org/a:1"
		made.Name, made.Tag, made.Repository, made.RegistryHost, made.AgentID, made.Store, made.Local, made.Builder = "j", "1", "", "", "", "oci:/srv/a layout é", "l2", "you"
		want = made
		want.Revision = 2
		made.TaskID, made.Author, made.ModelID = bt.ID+7, "bob", 77 // are not changed
		wantSame(t, "what Save returns", must(saveImage(t, db, made))(t), want)
		wantSame(t, "what was saved", must(db.Read().Builds.ImageNamed(t.Context(), source.ID, "j"))(t), want)
	}
	_, err := createImage(t, db, domain.Buildable{ID: p.ID, Kind: domain.BuildableModel}, "x")
	wantError(t, "an image of a model that is a pipeline", err, domain.CodeNotFound, "model_not_found")
}

func imageNames(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	bt := task(t, db, "one")
	m, other, p := model(t, db, bt.ID, "m"), model(t, db, bt.ID, "m2"), pipeline(t, db, bt.ID, "m")
	for _, of := range []domain.Buildable{m, other, p} {
		must(createImage(t, db, of, "i"))(t)
		_, err := createImage(t, db, of, "i")
		wantError(t, "a taken name", err, domain.CodeConflict, "image_exists")
	}
	// A name that the scope does not see is taken all the same.
	must(createImage(t, whole(st), m, "hidden"))(t)
	_, err := createImage(t, db, m, "hidden")
	wantError(t, "a name that is not seen", err, domain.CodeConflict, "image_exists")
	second := must(createImage(t, db, m, "j"))(t)
	second.Name = "i"
	_, err = saveImage(t, db, second)
	wantError(t, "renamed to a taken name", err, domain.CodeConflict, "image_exists")
}

func imagesSaved(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	made := must(createImage(t, db, model(t, db, task(t, db, "one").ID, "m"), "i"))(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			b := made
			b.Tag = strconv.Itoa(i)
			_, errs[i] = saveImage(t, db, b)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		wantError(t, "who came late", err, domain.CodeConflict, "revision_changed")
	}
	if won != 1 {
		t.Errorf("%d changed it", won)
	}
	wantError(t, "deleting the old revision", deleteImage(t, db, made.ID, made.Revision), domain.CodeConflict, "revision_changed")
	if err := deleteImage(t, db, made.ID, 2); err != nil {
		t.Error(err)
	}
	wantError(t, "deleting again", deleteImage(t, db, made.ID, 0), domain.CodeNotFound, "built_image_not_found")
	_, err := saveImage(t, db, made)
	wantError(t, "saving what is gone", err, domain.CodeNotFound, "built_image_not_found")
}

func imagesLinked(t *testing.T, st repository.Store) {
	reg := AddRegistry(t, st, Registry{Global: true})
	row := AddImage(t, st, reg, domain.Image{Name: "app"})
	AddImage(t, st, reg, domain.Image{Name: "app", Tag: "other", ManifestDigest: row.ManifestDigest})
	hidden := AddImage(t, st, reg, domain.Image{Name: "secret", Labels: OwnedBy("bob")})
	db := as(st, domain.ReachOwn, alice)
	b := must(createImage(t, db, model(t, db, task(t, db, "one").ID, "m"), "i"))(t)
	for _, c := range []struct {
		pushed   string
		manifest domain.Digest
		config   domain.Digest
		want     domain.ImageID
	}{
		{"", "", "", ""},
		{row.Canonical(), row.ManifestDigest, row.ConfigDigest, row.ID},
		{row.Canonical(), row.TagDigest, row.ConfigDigest, row.ID},
		{row.Canonical(), row.TagDigest, digestOf("another"), ""},
		{row.Canonical(), digestOf("moved on"), row.ConfigDigest, ""},
		{"cr.example.org/unknown:1", row.ManifestDigest, row.ConfigDigest, ""},
		{hidden.Canonical(), hidden.ManifestDigest, hidden.ConfigDigest, ""},
	} {
		b.Pushed, b.ManifestDigest, b.Digest = c.pushed, c.manifest, c.config
		b = must(saveImage(t, db, b))(t)
		list, _, err := db.Read().Builds.Images(t.Context(), domain.Filter{}, page)
		if err != nil || len(list) != 1 || list[0].ImageID != c.want || b.ImageID != c.want {
			t.Errorf("%+v: %v, %v", c, list, err)
		}
	}
}

// buildsListed: the lists of one task, or of one model, hold nothing of another,
// whatever else there is.
func buildsListed(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	of := map[int64][]int64{} // image ids by task, in their order
	sources := map[int64][]int64{}
	for _, name := range []string{"one", "two", "three"} {
		bt := task(t, db, name)
		for _, s := range []domain.Buildable{model(t, db, bt.ID, "m"), pipeline(t, db, bt.ID, "m"), model(t, db, bt.ID, "n")} {
			for i := range 4 {
				id := must(createImage(t, db, s, "i"+strconv.Itoa(i)))(t).ID
				of[bt.ID], sources[s.ID] = append(of[bt.ID], id), append(sources[s.ID], id)
			}
		}
	}
	empty := task(t, db, "empty")
	of[empty.ID] = []int64{}
	check := func(field string, all map[int64][]int64) {
		for id, want := range all {
			for _, sort := range []string{"", "id", "created_at"} {
				got := []int64{}
				for p := (domain.Page{Limit: 5, Sort: sort, Count: true}); ; {
					list, info, err := db.Read().Builds.Images(t.Context(), domain.Where(field, domain.Eq, number(id)), p)
					if err != nil || *info.Total != len(want) {
						t.Fatalf("%v, %v", info, err)
					}
					for _, b := range list {
						got = append(got, b.ID)
					}
					if p.After = info.Next; p.After == "" {
						break
					}
				}
				wantSame(t, "images of "+field+" "+number(id)+" by "+sort, got, want)
			}
		}
	}
	check("task", of)
	check("source", sources)
	for id, images := range of {
		for kind, n := range map[domain.BuildableKind]int{domain.BuildableModel: min(2, len(images)), domain.BuildablePipeline: min(1, len(images))} {
			list, _, err := db.Read().Builds.Buildables(t.Context(), kind, domain.Where("task", domain.Eq, number(id)), page)
			if err != nil || len(list) != n {
				t.Errorf("%d of %s in task %d, %v", len(list), kind, id, err)
			}
			for _, b := range list {
				if b.TaskID != id || b.Kind != kind {
					t.Errorf("%+v", b)
				}
			}
		}
	}
	both, _, err := db.Read().Builds.Images(t.Context(), domain.AllOf(domain.Where("kind", domain.Eq, "pipeline"), domain.Where("name", domain.Eq, "i2")), page)
	if err != nil || len(both) != 3 {
		t.Errorf("%d images, %v", len(both), err)
	}
	bad := domain.Page{Sort: "id", After: domain.Cursor{Sort: "id", Key: "1", ID: "x"}.String()}
	_, _, err = db.Read().Builds.Images(t.Context(), domain.Filter{}, bad)
	wantError(t, "a cursor of another list", err, domain.CodeInvalid, "cursor_invalid")
}

func number(id int64) string { return strconv.FormatInt(id, 10) }
