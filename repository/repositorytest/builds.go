package repositorytest

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository"
)

var builds = []sentence{
	{"build tasks, models and pipelines come back as they were stored, with ids that are never used again", buildsComeBack},
	{"names are unique for tasks per author and domain, for models and pipelines per task and kind", buildNames},
	{"of many that take a name at once, one gets it", buildNamesRace},
	{"an actor sees and deletes what its scope reaches, and nothing else exists", buildsOfOthers},
	{"nothing is deleted that something belongs to, whoever's that is", buildsInUse},
	{"lists hold what their filter says and nothing else", buildsListed},
	{"hosts are agents of usable scaling groups", buildHosts},
}

// carol is of another domain, dave of none.
var (
	carol = domain.Actor{ID: "carol", Role: domain.RoleUser, Domain: "elsewhere"}
	dave  = domain.Actor{ID: "dave", Role: domain.RoleUser}
)

func tryBuilds(t *testing.T, db repository.Scoped, fn func(ctx context.Context, b repository.BuildRepository) error) error {
	t.Helper()
	return inTx(t, db, func(ctx context.Context, tx repository.View) error { return fn(ctx, tx.Builds) })
}

func createTask(t *testing.T, db repository.Scoped, name string) (made domain.BuildTask, err error) {
	t.Helper()
	err = tryBuilds(t, db, func(ctx context.Context, b repository.BuildRepository) (err error) {
		made, err = b.CreateTask(ctx, name)
		return err
	})
	return made, err
}

func createBuildable(t *testing.T, db repository.Scoped, kind domain.BuildableKind, task int64, name string) (made domain.Buildable, err error) {
	t.Helper()
	err = tryBuilds(t, db, func(ctx context.Context, b repository.BuildRepository) (err error) {
		made, err = b.CreateBuildable(ctx, domain.Buildable{Kind: kind, TaskID: task, Name: name, Source: templateSource()})
		return err
	})
	return made, err
}

func templateSource() domain.BuildSource {
	return domain.BuildSource{Type: domain.BuildFromTemplate, Template: &domain.BuildTemplate{
		BaseImage: "python:3.12", Requirements: []string{"a'b"}, Files: map[string]string{"a": `"é"`}, Command: []string{"run"},
	}}
}

// task and model add what has to work.
func task(t *testing.T, db repository.Scoped, name string) domain.BuildTask {
	t.Helper()
	return must(createTask(t, db, name))(t)
}

func model(t *testing.T, db repository.Scoped, task int64, name string) domain.Buildable {
	t.Helper()
	return must(createBuildable(t, db, domain.BuildableModel, task, name))(t)
}

func pipeline(t *testing.T, db repository.Scoped, task int64, name string) domain.Buildable {
	t.Helper()
	return must(createBuildable(t, db, domain.BuildablePipeline, task, name))(t)
}

func deleteTask(t *testing.T, db repository.Scoped, id int64) error {
	t.Helper()
	return tryBuilds(t, db, func(ctx context.Context, b repository.BuildRepository) error { return second(b.DeleteTask(ctx, id)) })
}

func deleteBuildable(t *testing.T, db repository.Scoped, kind domain.BuildableKind, id int64) error {
	t.Helper()
	return tryBuilds(t, db, func(ctx context.Context, b repository.BuildRepository) error {
		return second(b.DeleteBuildable(ctx, kind, id))
	})
}

func buildsComeBack(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	bt := task(t, db, `t'a"sk é`)
	wantSame(t, "the task", bt, domain.BuildTask{ID: bt.ID, Name: `t'a"sk é`, Author: "alice", Domain: "default", CreatedAt: Now})
	wantSame(t, "the task, read", must(db.Read().Builds.Task(t.Context(), bt.ID))(t), bt)
	for _, kind := range []domain.BuildableKind{domain.BuildableModel, domain.BuildablePipeline} {
		made := must(createBuildable(t, db, kind, bt.ID, "m 1"))(t)
		wantSame(t, "what was made", made, domain.Buildable{
			ID: made.ID, Kind: kind, TaskID: bt.ID, Name: "m 1", Source: templateSource(), Author: "alice", Domain: "default", CreatedAt: Now,
		})
		wantSame(t, "what is read", must(db.Read().Builds.Buildable(t.Context(), kind, made.ID))(t), made)
	}
	_, err := createBuildable(t, db, domain.BuildableModel, bt.ID+100, "m")
	wantError(t, "a model of no task", err, domain.CodeNotFound, "build_task_not_found")

	last := task(t, db, "last")
	if err := deleteTask(t, db, last.ID); err != nil {
		t.Fatal(err)
	}
	wantError(t, "deleting again", deleteTask(t, db, last.ID), domain.CodeNotFound, "build_task_not_found")
	if next := task(t, db, "next"); next.ID <= last.ID {
		t.Errorf("the id %d comes after %d", next.ID, last.ID)
	}
}

func buildNames(t *testing.T, st repository.Store) {
	mine, theirs := as(st, domain.ReachOwn, alice), as(st, domain.ReachOwn, bob)
	one, two := task(t, mine, "one"), task(t, mine, "two")
	task(t, theirs, "one")
	_, err := createTask(t, mine, "one")
	wantError(t, "a task of a taken name", err, domain.CodeConflict, "build_task_exists")
	task(t, mine, "One")
	model(t, mine, one.ID, "m")
	model(t, mine, two.ID, "m")
	pipeline(t, mine, one.ID, "m")
	_, err = createBuildable(t, mine, domain.BuildableModel, one.ID, "m")
	wantError(t, "a model of a taken name", err, domain.CodeConflict, "model_exists")
	_, err = createBuildable(t, mine, domain.BuildablePipeline, one.ID, "m")
	wantError(t, "a pipeline of a taken name", err, domain.CodeConflict, "pipeline_exists")
}

func buildNamesRace(t *testing.T, st repository.Store) {
	db := as(st, domain.ReachOwn, alice)
	m := model(t, db, task(t, db, "one").ID, "m")
	for what, try := range map[string]func() error{
		"build_task_exists": func() error { return second(createTask(t, db, "two")) },
		"image_exists":      func() error { return second(createImage(t, db, m, "i")) },
	} {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = try() })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			wantError(t, "who came late", err, domain.CodeConflict, what)
		}
		if won != 1 {
			t.Errorf("%s: %d got it", what, won)
		}
	}
}

// world of builds: a task with a model and an image of each of the actors.
type buildWorld struct {
	task  domain.BuildTask
	model domain.Buildable
	image domain.BuiltImage
}

func buildsOf(t *testing.T, st repository.Store, a domain.Actor) (w buildWorld) {
	t.Helper()
	db := as(st, domain.ReachOwn, a)
	w.task = task(t, db, "mnist")
	w.model = model(t, db, w.task.ID, "net")
	w.image = must(createImage(t, db, w.model, "image_name"))(t)
	return w
}

func buildsOfOthers(t *testing.T, st repository.Store) {
	all := map[domain.UserID]buildWorld{}
	for _, a := range []domain.Actor{alice, bob, carol, dave, admin} {
		all[a.ID] = buildsOf(t, st, a)
	}
	for _, c := range []struct {
		reach domain.Reach
		actor domain.Actor
		sees  []domain.UserID
	}{
		{domain.ReachOwn, alice, []domain.UserID{"alice"}},
		{domain.ReachVisible, alice, []domain.UserID{"alice", "bob"}},
		{domain.ReachVisible, carol, []domain.UserID{"carol"}},
		{domain.ReachVisible, dave, []domain.UserID{"dave"}}, // without a domain he shares nothing, not even with root
		{domain.ReachAny, admin, []domain.UserID{"alice", "bob", "carol", "dave", "root"}},
		{domain.ReachNone, alice, nil},
	} {
		db := as(st, c.reach, c.actor)
		seen := map[domain.UserID]bool{}
		for _, id := range c.sees {
			seen[id] = true
		}
		who := string(c.actor.ID) + " reaching " + c.reach.String() + ": "
		for author, w := range all {
			b := db.Read().Builds
			_, err1 := b.Task(t.Context(), w.task.ID)
			_, err2 := b.Buildable(t.Context(), domain.BuildableModel, w.model.ID)
			_, err3 := b.Image(t.Context(), w.image.ID)
			_, err4 := b.ImageNamed(t.Context(), w.model.ID, "image_name")
			errs := []error{err1, err2, err3, err4}
			if !seen[author] {
				errs = append(errs, deleteTask(t, db, w.task.ID), deleteBuildable(t, db, domain.BuildableModel, w.model.ID),
					deleteImage(t, db, w.image.ID, 0), second(saveImage(t, db, w.image)),
					second(createBuildable(t, db, domain.BuildableModel, w.task.ID, "new")), second(createImage(t, db, w.model, "new")))
			}
			for i, err := range errs {
				switch {
				case seen[author] && err != nil:
					t.Errorf("%s%d of %s: %v", who, i, author, err)
				case !seen[author]:
					wantError(t, who+strconv.Itoa(i)+" of "+string(author), err, domain.CodeNotFound, "")
				}
			}
		}
		tasks, info, err := db.Read().Builds.Tasks(t.Context(), domain.Filter{}, domain.Page{Count: true})
		if err != nil || len(tasks) != len(c.sees) || *info.Total != len(c.sees) {
			t.Errorf("%s%d tasks, %v", who, len(tasks), err)
		}
		models, _, err := db.Read().Builds.Buildables(t.Context(), domain.BuildableModel, domain.Filter{}, page)
		if err != nil || len(models) != len(c.sees) {
			t.Errorf("%s%d models, %v", who, len(models), err)
		}
		images, _, err := db.Read().Builds.Images(t.Context(), domain.Filter{}, page)
		if err != nil || len(images) != len(c.sees) {
			t.Errorf("%s%d images, %v", who, len(images), err)
		}
	}
}

func buildsInUse(t *testing.T, st repository.Store) {
	mine := as(st, domain.ReachOwn, alice)
	bt := task(t, mine, "one")
	m := model(t, mine, bt.ID, "m")
	img := must(createImage(t, whole(st), m, "i"))(t) // root's, which alice does not see
	wantError(t, "a task with a model", deleteTask(t, mine, bt.ID), domain.CodePrecondition, "build_task_in_use")
	wantError(t, "a model with an image", deleteBuildable(t, mine, domain.BuildableModel, m.ID), domain.CodePrecondition, "model_in_use")
	wantError(t, "a pipeline that is a model", deleteBuildable(t, mine, domain.BuildablePipeline, m.ID), domain.CodeNotFound, "pipeline_not_found")
	for _, err := range []error{deleteImage(t, whole(st), img.ID, 0), deleteBuildable(t, mine, domain.BuildableModel, m.ID), deleteTask(t, mine, bt.ID)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func buildHosts(t *testing.T, st repository.Store) {
	AddAgent(t, st, domain.Agent{ID: "a1", ScalingGroup: "gpu"})
	AddAgent(t, st, domain.Agent{ID: "a2", ScalingGroup: "gpu", Kind: domain.AgentDocker, Status: domain.AgentOffline})
	AddAgent(t, st, domain.Agent{ID: "b1", ScalingGroup: "cpu"})
	AddGrant(t, st, domain.ScalingGroupGrant{ScalingGroup: "gpu", Domain: "default", Project: "ml"})
	for _, c := range []struct {
		db   repository.Scoped
		q    repository.HostQuery
		want []domain.AgentID
	}{
		{whole(st), repository.HostQuery{}, []domain.AgentID{"a1", "a2", "b1"}},
		{whole(st), repository.HostQuery{Limit: 2}, []domain.AgentID{"a1", "a2"}},
		{as(st, domain.ReachOwn, alice), repository.HostQuery{}, []domain.AgentID{"a1", "a2"}},
		{as(st, domain.ReachVisible, alice), repository.HostQuery{Kind: domain.AgentDocker}, []domain.AgentID{"a2"}},
		{as(st, domain.ReachOwn, alice), repository.HostQuery{Status: domain.AgentOnline}, []domain.AgentID{"a1"}},
		{as(st, domain.ReachOwn, alice), repository.HostQuery{ID: "b1"}, []domain.AgentID{}},
		{as(st, domain.ReachOwn, bob), repository.HostQuery{}, []domain.AgentID{}},
		{as(st, domain.ReachOwn, dave), repository.HostQuery{}, []domain.AgentID{}},
	} {
		list := must(c.db.Read().Builds.Hosts(t.Context(), c.q))(t)
		wantSame(t, "hosts", sorted(list, func(a domain.Agent) domain.AgentID { return a.ID }), c.want)
	}
	host := must(as(st, domain.ReachOwn, bob).Read().Builds.Host(t.Context(), "b1"))(t)
	if host.ID != "b1" {
		t.Errorf("%+v", host)
	}
	_, err := whole(st).Read().Builds.Host(t.Context(), "gone")
	wantError(t, "an agent that is not there", err, domain.CodeNotFound, "agent_not_found")
}
