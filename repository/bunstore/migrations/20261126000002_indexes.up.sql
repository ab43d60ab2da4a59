-- Lists ask for one status or a few, in some order. Each status has every
-- order, so that a page of the rare ones does not read through the others.
CREATE INDEX wharf_images_status_canonical ON wharf_images (status, canonical, id);

--bun:split

CREATE INDEX wharf_images_status_name ON wharf_images (status, name, id);

--bun:split

CREATE INDEX wharf_images_status_created ON wharf_images (status, created_at, id);

--bun:split

CREATE INDEX wharf_images_status_updated ON wharf_images (status, updated_at, id);

--bun:split

CREATE INDEX wharf_images_status_used ON wharf_images (status, last_used_at, id);

--bun:split

CREATE INDEX wharf_images_status_size ON wharf_images (status, size_bytes, id);

--bun:split

-- By what few images are, or few have in common.
DROP INDEX wharf_images_owner;

--bun:split

CREATE INDEX wharf_images_owner ON wharf_images (owner) WHERE owner <> '';

--bun:split

CREATE INDEX wharf_images_operation ON wharf_images (status) WHERE operation;

--bun:split

CREATE INDEX wharf_images_tag ON wharf_images (tag);
{{if .Postgres}}
--bun:split

-- The orders over all statuses: lists that ask for several go through them one
-- by one on Postgres. SQLite keeps them.
DROP INDEX wharf_images_name;

--bun:split

DROP INDEX wharf_images_created;

--bun:split

DROP INDEX wharf_images_updated;

--bun:split

DROP INDEX wharf_images_used;

--bun:split

DROP INDEX wharf_images_size;

--bun:split

-- Users see some registries, and few of what is customized: they get the first
-- ones of each registry.
CREATE INDEX wharf_images_of_canonical ON wharf_images (registry_id, status, customized, canonical, id);

--bun:split

CREATE INDEX wharf_images_of_name ON wharf_images (registry_id, status, customized, name, id);

--bun:split

CREATE INDEX wharf_images_of_created ON wharf_images (registry_id, status, customized, created_at, id);

--bun:split

CREATE INDEX wharf_images_of_updated ON wharf_images (registry_id, status, customized, updated_at, id);

--bun:split

CREATE INDEX wharf_images_of_used ON wharf_images (registry_id, status, customized, last_used_at, id);

--bun:split

CREATE INDEX wharf_images_of_size ON wharf_images (registry_id, status, customized, size_bytes, id);

--bun:split

-- Which registries a filter by registry or project means. Expressions, so that
-- only that question uses them and pages keep to the indexes with an order.
CREATE INDEX wharf_images_of_host ON wharf_images (registry_id, (registry || ''));

--bun:split

CREATE INDEX wharf_images_of_project ON wharf_images (registry_id, (project || ''));

--bun:split

-- Words inside names. Without the extension, where it may not be made or is not
-- there, only this search is slow.
DO $do$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX wharf_images_name_inside ON wharf_images USING gin (name gin_trgm_ops);
  CREATE INDEX wharf_images_tag_inside ON wharf_images USING gin (tag gin_trgm_ops);
  CREATE INDEX wharf_images_canonical_inside ON wharf_images USING gin (canonical gin_trgm_ops);
EXCEPTION
  WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'no index for words inside names: %', SQLERRM;
END
$do$;
{{end}}
