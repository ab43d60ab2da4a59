-- Text keys compare by bytes on both engines, so that pages and unique names
-- do not depend on a locale. Everything that is sorted by is NOT NULL.

CREATE TABLE wharf_registries (
  id {{.Text}} PRIMARY KEY,
  name {{.Text}} NOT NULL,
  project {{.Text}} NOT NULL,
  url {{.Text}} NOT NULL,
  type {{.Text}} NOT NULL,
  username {{.Text}} NOT NULL,
  password {{.Text}} NOT NULL,
  is_global {{.Bool}} NOT NULL,
  tls_skip_verify {{.Bool}} NOT NULL,
  private_network {{.Bool}} NOT NULL,
  token_realms {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  revision BIGINT NOT NULL,
  UNIQUE (name, project)
);

--bun:split

CREATE TABLE wharf_registry_domains (
  registry_id {{.Text}} NOT NULL REFERENCES wharf_registries (id) ON DELETE CASCADE,
  domain {{.Text}} NOT NULL,
  PRIMARY KEY (domain, registry_id)
);

--bun:split

CREATE INDEX wharf_registry_domains_registry ON wharf_registry_domains (registry_id);

--bun:split

CREATE TABLE wharf_registry_projects (
  registry_id {{.Text}} NOT NULL REFERENCES wharf_registries (id) ON DELETE CASCADE,
  project {{.Text}} NOT NULL,
  PRIMARY KEY (project, registry_id)
);

--bun:split

CREATE INDEX wharf_registry_projects_registry ON wharf_registry_projects (registry_id);

--bun:split

-- canonical follows from registry, project, name and tag; unique with the
-- architecture it makes the five parts unique, whatever the project is.
CREATE TABLE wharf_images (
  id {{.Text}} PRIMARY KEY,
  registry_id {{.Text}} NOT NULL REFERENCES wharf_registries (id) ON DELETE RESTRICT,
  registry {{.Text}} NOT NULL,
  project {{.Text}} NOT NULL,
  name {{.Text}} NOT NULL,
  tag {{.Text}} NOT NULL,
  architecture {{.Text}} NOT NULL,
  repository {{.Text}} NOT NULL,
  canonical {{.Text}} NOT NULL,
  tag_digest {{.Text}} NOT NULL,
  manifest_digest {{.Text}} NOT NULL,
  config_digest {{.Text}} NOT NULL,
  size_bytes BIGINT NOT NULL,
  type {{.Text}} NOT NULL,
  status {{.Text}} NOT NULL,
  is_local {{.Bool}} NOT NULL,
  operation {{.Bool}} NOT NULL,
  customized {{.Bool}} NOT NULL,
  owner {{.Text}} NOT NULL,
  accelerators {{.JSON}} NOT NULL,
  labels {{.JSON}} NOT NULL,
  operator_labels {{.JSON}} NOT NULL,
  custom_limits {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  last_used_at {{.Time}} NOT NULL,
  revision BIGINT NOT NULL,
  UNIQUE (canonical, architecture)
);

--bun:split

CREATE INDEX wharf_images_repository ON wharf_images (registry, repository, tag);

--bun:split

CREATE INDEX wharf_images_registry ON wharf_images (registry_id, repository);

--bun:split

CREATE INDEX wharf_images_name ON wharf_images (name, id);

--bun:split

CREATE INDEX wharf_images_created ON wharf_images (created_at, id);

--bun:split

CREATE INDEX wharf_images_updated ON wharf_images (updated_at, id);

--bun:split

CREATE INDEX wharf_images_used ON wharf_images (last_used_at, id);

--bun:split

CREATE INDEX wharf_images_size ON wharf_images (size_bytes, id);

--bun:split

CREATE INDEX wharf_images_config ON wharf_images (config_digest);

--bun:split

CREATE INDEX wharf_images_owner ON wharf_images (owner) WHERE customized;

--bun:split

CREATE TABLE wharf_image_labels (
  image_id {{.Text}} NOT NULL REFERENCES wharf_images (id) ON DELETE CASCADE,
  name {{.Text}} NOT NULL,
  value {{.Text}} NOT NULL,
  PRIMARY KEY (image_id, name)
);

--bun:split

CREATE INDEX wharf_image_labels_name ON wharf_image_labels (name, image_id);

--bun:split

CREATE TABLE wharf_image_accelerators (
  image_id {{.Text}} NOT NULL REFERENCES wharf_images (id) ON DELETE CASCADE,
  accelerator {{.Text}} NOT NULL,
  PRIMARY KEY (accelerator, image_id)
);

--bun:split

CREATE INDEX wharf_image_accelerators_image ON wharf_image_accelerators (image_id);

--bun:split

CREATE TABLE wharf_aliases (
  id {{.Text}} PRIMARY KEY,
  alias {{.Text}} NOT NULL UNIQUE,
  image_id {{.Text}} NOT NULL REFERENCES wharf_images (id) ON DELETE CASCADE,
  created_at {{.Time}} NOT NULL
);

--bun:split

CREATE INDEX wharf_aliases_image ON wharf_aliases (image_id);

--bun:split

CREATE INDEX wharf_aliases_created ON wharf_aliases (created_at, id);

--bun:split

CREATE TABLE wharf_agents (
  id {{.Text}} PRIMARY KEY,
  kind {{.Text}} NOT NULL,
  address {{.Text}} NOT NULL,
  scaling_group {{.Text}} NOT NULL,
  architecture {{.Text}} NOT NULL,
  status {{.Text}} NOT NULL,
  inventory_at {{.Time}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  revision BIGINT NOT NULL
);

--bun:split

CREATE INDEX wharf_agents_group ON wharf_agents (scaling_group, id);

--bun:split

-- Keyed by name, not by image: agents hold images that the catalogue has not
-- seen, and keep them when the catalogue drops its row.
CREATE TABLE wharf_installed (
  agent_id {{.Text}} NOT NULL REFERENCES wharf_agents (id) ON DELETE CASCADE,
  canonical {{.Text}} NOT NULL,
  architecture {{.Text}} NOT NULL,
  digest {{.Text}} NOT NULL,
  size_bytes BIGINT NOT NULL,
  containers {{.JSON}} NOT NULL,
  observed_at {{.Time}} NOT NULL,
  PRIMARY KEY (canonical, architecture, agent_id)
);

--bun:split

CREATE INDEX wharf_installed_agent ON wharf_installed (agent_id, canonical, architecture);

--bun:split

-- project '' is the whole domain.
CREATE TABLE wharf_scaling_groups (
  scaling_group {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  project {{.Text}} NOT NULL,
  PRIMARY KEY (domain, project, scaling_group)
);

--bun:split

CREATE TABLE wharf_audit (
  id {{.Text}} PRIMARY KEY,
  at {{.Time}} NOT NULL,
  actor {{.Text}} NOT NULL,
  role {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  action {{.Text}} NOT NULL,
  status {{.Text}} NOT NULL,
  code {{.Text}} NOT NULL,
  reason {{.Text}} NOT NULL,
  rule {{.Text}} NOT NULL,
  params {{.JSON}} NOT NULL,
  count BIGINT NOT NULL,
  request_id {{.Text}} NOT NULL
);

--bun:split

CREATE INDEX wharf_audit_at ON wharf_audit (at, id);

--bun:split

CREATE INDEX wharf_audit_actor ON wharf_audit (actor, at);

--bun:split

CREATE TABLE wharf_audit_targets (
  audit_id {{.Text}} NOT NULL REFERENCES wharf_audit (id) ON DELETE CASCADE,
  target {{.Text}} NOT NULL,
  PRIMARY KEY (target, audit_id)
);

--bun:split

CREATE INDEX wharf_audit_targets_entry ON wharf_audit_targets (audit_id);

--bun:split

CREATE TABLE wharf_idempotency (
  actor {{.Text}} NOT NULL,
  action {{.Text}} NOT NULL,
  key {{.Text}} NOT NULL,
  hash {{.Text}} NOT NULL,
  settled {{.Bool}} NOT NULL,
  result {{.Text}} NOT NULL,
  claimed_at {{.Time}} NOT NULL,
  PRIMARY KEY (actor, action, key)
);

--bun:split

CREATE INDEX wharf_idempotency_claimed ON wharf_idempotency (claimed_at);
