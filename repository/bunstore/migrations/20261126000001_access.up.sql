-- Custom roles. home is the domain that all rules are for, '' for none: who is
-- limited to a domain sees the roles of that home.
CREATE TABLE wharf_roles (
  name {{.Text}} PRIMARY KEY,
  home {{.Text}} NOT NULL,
  rules {{.JSON}} NOT NULL,
  inherits {{.JSON}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  updated_at {{.Time}} NOT NULL,
  revision BIGINT NOT NULL
);

--bun:split

CREATE INDEX wharf_roles_created ON wharf_roles (created_at, name);

--bun:split

-- role may be one of the configured policy, which has no row. domain '' is
-- every domain.
CREATE TABLE wharf_role_bindings (
  user_id {{.Text}} NOT NULL,
  role {{.Text}} NOT NULL,
  domain {{.Text}} NOT NULL,
  created_by {{.Text}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  PRIMARY KEY (user_id, role, domain)
);

--bun:split

CREATE INDEX wharf_role_bindings_role ON wharf_role_bindings (role);

--bun:split

-- One row: the revision of all roles and bindings. Whoever changes them locks
-- it first, so that what was checked still holds when it is written.
CREATE TABLE wharf_policy (
  id {{.Text}} PRIMARY KEY,
  revision BIGINT NOT NULL
);

--bun:split

INSERT INTO wharf_policy (id, revision) VALUES ('rows', 1);

--bun:split

-- hash is of the secret, which is nowhere.
CREATE TABLE wharf_api_keys (
  id {{.Text}} PRIMARY KEY,
  name {{.Text}} NOT NULL,
  hash {{.Text}} NOT NULL,
  user_id {{.Text}} NOT NULL,
  actor {{.JSON}} NOT NULL,
  created_by {{.Text}} NOT NULL,
  created_at {{.Time}} NOT NULL,
  expires_at {{.Time}} NOT NULL,
  last_used_at {{.Time}} NOT NULL,
  revoked_at {{.Time}} NOT NULL
);

--bun:split

CREATE INDEX wharf_api_keys_user ON wharf_api_keys (user_id, created_at);

--bun:split

CREATE INDEX wharf_api_keys_created ON wharf_api_keys (created_at, id);
