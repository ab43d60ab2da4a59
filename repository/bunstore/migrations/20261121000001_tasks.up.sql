-- dedup is the hash of kind and action while the task is unfinished, and its id
-- afterwards: unique, so that the same work does not run twice at once.
CREATE TABLE wharf_tasks (
  id {{.Text}} PRIMARY KEY,
  kind {{.Text}} NOT NULL,
  action {{.JSON}} NOT NULL,
  actor {{.Text}} NOT NULL,
  actor_json {{.JSON}} NOT NULL,
  class {{.Text}} NOT NULL,
  state {{.Text}} NOT NULL,
  attempt BIGINT NOT NULL,
  cancel {{.Bool}} NOT NULL,
  account {{.JSON}} NOT NULL,
  message {{.Text}} NOT NULL,
  problem {{.JSON}} NOT NULL,
  retry_of {{.Text}} NOT NULL,
  only_keys {{.JSON}} NOT NULL,
  dedup {{.Text}} NOT NULL UNIQUE,
  last_event BIGINT NOT NULL,
  beat BIGINT NOT NULL,
  created_at {{.Time}} NOT NULL,
  started_at {{.Time}} NOT NULL,
  finished_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL
);

--bun:split

CREATE INDEX wharf_tasks_created ON wharf_tasks (created_at, id);

--bun:split

CREATE INDEX wharf_tasks_finished ON wharf_tasks (finished_at, id);

--bun:split

CREATE INDEX wharf_tasks_actor ON wharf_tasks (actor, created_at);

--bun:split

CREATE INDEX wharf_tasks_state ON wharf_tasks (state, class);

--bun:split

CREATE TABLE wharf_task_items (
  task_id {{.Text}} NOT NULL REFERENCES wharf_tasks (id) ON DELETE CASCADE,
  key {{.Text}} NOT NULL,
  state {{.Text}} NOT NULL,
  bytes BIGINT NOT NULL,
  message {{.Text}} NOT NULL,
  problem {{.JSON}} NOT NULL,
  detail {{.JSON}} NOT NULL,
  PRIMARY KEY (task_id, key)
);

--bun:split

CREATE TABLE wharf_task_events (
  task_id {{.Text}} NOT NULL REFERENCES wharf_tasks (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL,
  at {{.Time}} NOT NULL,
  type {{.Text}} NOT NULL,
  current BIGINT NOT NULL,
  total BIGINT NOT NULL,
  message {{.Text}} NOT NULL,
  PRIMARY KEY (task_id, seq)
);
