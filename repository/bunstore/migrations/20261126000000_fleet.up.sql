ALTER TABLE wharf_agents ADD COLUMN labels {{.JSON}} NOT NULL DEFAULT '{}';

--bun:split

-- What the agent calls the inventory that is stored: heartbeats name it, so that
-- only a new one is asked for.
ALTER TABLE wharf_agents ADD COLUMN inventory_revision {{.Text}} NOT NULL DEFAULT '';

--bun:split

-- What an agent that was away is to do when it is back; one wish for an image on
-- an agent, the last one counts.
CREATE TABLE wharf_intents (
  agent_id {{.Text}} NOT NULL REFERENCES wharf_agents (id) ON DELETE CASCADE,
  canonical {{.Text}} NOT NULL,
  architecture {{.Text}} NOT NULL,
  kind {{.Text}} NOT NULL,
  force {{.Bool}} NOT NULL,
  actor {{.Text}} NOT NULL,
  actor_json {{.JSON}} NOT NULL,
  task_id {{.Text}} NOT NULL,
  tries BIGINT NOT NULL,
  not_before {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  PRIMARY KEY (agent_id, canonical, architecture)
);

--bun:split

CREATE INDEX wharf_intents_due ON wharf_intents (not_before);

--bun:split

CREATE INDEX wharf_intents_expiry ON wharf_intents (expires_at);

--bun:split

-- Attempts in a row that have ended no item.
ALTER TABLE wharf_tasks ADD COLUMN vain BIGINT NOT NULL DEFAULT 0;
