-- Ids are numbers of the database: clients of other systems know no others.
CREATE TABLE wharf_build_tasks (
  id {{.ID}},
  name {{.Text}} NOT NULL,
  author {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  created_at {{.Time}} NOT NULL
);

--bun:split

CREATE UNIQUE INDEX wharf_build_tasks_name ON wharf_build_tasks (author, domain, name);

--bun:split

CREATE INDEX wharf_build_tasks_domain ON wharf_build_tasks (domain);

--bun:split

-- Models and pipelines.
CREATE TABLE wharf_buildables (
  id {{.ID}},
  kind {{.Text}} NOT NULL,
  task_id BIGINT NOT NULL REFERENCES wharf_build_tasks (id),
  name {{.Text}} NOT NULL,
  source {{.JSON}} NOT NULL,
  author {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  created_at {{.Time}} NOT NULL
);

--bun:split

CREATE UNIQUE INDEX wharf_buildables_name ON wharf_buildables (task_id, kind, name);

--bun:split

CREATE INDEX wharf_buildables_author ON wharf_buildables (author);

--bun:split

CREATE INDEX wharf_buildables_domain ON wharf_buildables (domain);

--bun:split

-- task_id and kind are those of the source, which never change. pushed is '' until
-- pushed.
CREATE TABLE wharf_built_images (
  id {{.ID}},
  task_id BIGINT NOT NULL REFERENCES wharf_build_tasks (id),
  source_id BIGINT NOT NULL REFERENCES wharf_buildables (id),
  kind {{.Text}} NOT NULL,
  name {{.Text}} NOT NULL,
  tag {{.Text}} NOT NULL,
  repository {{.Text}} NOT NULL,
  registry_host {{.Text}} NOT NULL,
  author {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  state {{.Text}} NOT NULL,
  digest {{.Text}} NOT NULL,
  agent_id {{.Text}} NOT NULL,
  local {{.Text}} NOT NULL,
  pushed {{.Text}} NOT NULL,
  manifest_digest {{.Text}} NOT NULL,
  builder {{.Text}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  revision BIGINT NOT NULL
);

--bun:split

CREATE UNIQUE INDEX wharf_built_images_name ON wharf_built_images (source_id, name);

--bun:split

CREATE INDEX wharf_built_images_task ON wharf_built_images (task_id, id);

--bun:split

CREATE INDEX wharf_built_images_author ON wharf_built_images (author);

--bun:split

CREATE INDEX wharf_built_images_domain ON wharf_built_images (domain);
