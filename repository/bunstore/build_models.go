package bunstore

import (
	"time"

	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/domain"
)

type buildTaskRow struct {
	bun.BaseModel `bun:"table:wharf_build_tasks,alias:b"`

	ID        int64     `bun:"id,pk,autoincrement"`
	Name      string    `bun:"name"`
	Author    string    `bun:"author"`
	Domain    string    `bun:"domain"`
	CreatedAt time.Time `bun:"created_at"`
}

type buildableRow struct {
	bun.BaseModel `bun:"table:wharf_buildables,alias:b"`

	ID        int64     `bun:"id,pk,autoincrement"`
	Kind      string    `bun:"kind"`
	TaskID    int64     `bun:"task_id"`
	Name      string    `bun:"name"`
	Source    string    `bun:"source"`
	Author    string    `bun:"author"`
	Domain    string    `bun:"domain"`
	CreatedAt time.Time `bun:"created_at"`
}

type builtImageRow struct {
	bun.BaseModel `bun:"table:wharf_built_images,alias:b"`

	ID             int64     `bun:"id,pk,autoincrement"`
	TaskID         int64     `bun:"task_id"`
	SourceID       int64     `bun:"source_id"`
	Kind           string    `bun:"kind"`
	Name           string    `bun:"name"`
	Tag            string    `bun:"tag"`
	Repository     string    `bun:"repository"`
	RegistryHost   string    `bun:"registry_host"`
	Author         string    `bun:"author"`
	Domain         string    `bun:"domain"`
	State          string    `bun:"state"`
	Digest         string    `bun:"digest"`
	AgentID        string    `bun:"agent_id"`
	Store          string    `bun:"store"`
	Local          string    `bun:"local"`
	Pushed         string    `bun:"pushed"`
	ManifestDigest string    `bun:"manifest_digest"`
	Builder        string    `bun:"builder"`
	CreatedAt      time.Time `bun:"created_at"`
	UpdatedAt      time.Time `bun:"updated_at"`
	Revision       int64     `bun:"revision"`
}

var buildTaskTable = &table{
	fields:      domain.BuildTaskFields,
	columns:     map[string]string{"id": "b.id", "name": "b.name", "author": "b.author", "created_at": "b.created_at"},
	defaultSort: "id",
	id:          "b.id",
	counted:     true,
}

var buildableTable = &table{
	fields: domain.BuildableFields,
	columns: map[string]string{
		"id": "b.id", "name": "b.name", "task": "b.task_id", "author": "b.author", "created_at": "b.created_at",
	},
	defaultSort: "id",
	id:          "b.id",
	counted:     true,
}

var builtImageTable = &table{
	fields: domain.BuiltImageFields,
	columns: map[string]string{
		"id": "b.id", "name": "b.name", "task": "b.task_id", "kind": "b.kind", "source": "b.source_id", "tag": "b.tag",
		"state": "b.state", "agent": "b.agent_id", "author": "b.author", "created_at": "b.created_at",
	},
	defaultSort: "id",
	id:          "b.id",
	counted:     true,
}

func buildTaskOf(r *buildTaskRow) domain.BuildTask {
	return domain.BuildTask{ID: r.ID, Name: r.Name, Author: domain.UserID(r.Author), Domain: r.Domain, CreatedAt: r.CreatedAt.UTC()}
}

func buildableOf(r *buildableRow) domain.Buildable {
	b := domain.Buildable{
		ID: r.ID, Kind: domain.BuildableKind(r.Kind), TaskID: r.TaskID, Name: r.Name,
		Author: domain.UserID(r.Author), Domain: r.Domain, CreatedAt: r.CreatedAt.UTC(),
	}
	fromJSON(r.Source, &b.Source)
	return b
}

func builtImageOf(r *builtImageRow) domain.BuiltImage {
	b := domain.BuiltImage{
		ID: r.ID, TaskID: r.TaskID, SourceKind: domain.BuildableKind(r.Kind), ModelID: r.SourceID,
		Name: r.Name, Tag: r.Tag, Repository: r.Repository, RegistryHost: r.RegistryHost,
		Author: domain.UserID(r.Author), Domain: r.Domain, State: domain.BuildState(r.State), Digest: domain.Digest(r.Digest),
		AgentID: domain.AgentID(r.AgentID), Store: r.Store, Local: r.Local, Pushed: r.Pushed, ManifestDigest: domain.Digest(r.ManifestDigest),
		Builder: r.Builder, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Revision: r.Revision,
	}
	if b.SourceKind == domain.BuildablePipeline {
		b.ModelID, b.PipelineID = 0, r.SourceID
	}
	return b
}

func builtImageRowOf(b domain.BuiltImage) *builtImageRow {
	return &builtImageRow{
		ID: b.ID, TaskID: b.TaskID, SourceID: b.SourceID(), Kind: string(b.SourceKind),
		Name: clean(b.Name), Tag: clean(b.Tag), Repository: clean(b.Repository), RegistryHost: clean(b.RegistryHost),
		Author: clean(string(b.Author)), Domain: clean(b.Domain), State: string(b.State), Digest: string(b.Digest),
		AgentID: string(b.AgentID), Store: clean(b.Store), Local: b.Local, Pushed: clean(b.Pushed), ManifestDigest: string(b.ManifestDigest),
		Builder: b.Builder, CreatedAt: stored(b.CreatedAt), UpdatedAt: stored(b.UpdatedAt), Revision: b.Revision,
	}
}
