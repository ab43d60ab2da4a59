-- Tags that are about to be somebody's customized images. One whose time is over
-- does not count; the next one in its registry removes it.
CREATE TABLE wharf_reservations (
  id {{.Text}} PRIMARY KEY,
  holder {{.Text}} NOT NULL,
  registry_id {{.Text}} NOT NULL REFERENCES wharf_registries (id) ON DELETE CASCADE,
  canonical {{.Text}} NOT NULL,
  owner {{.Text}} NOT NULL,
  expires_at {{.Time}} NOT NULL
);

--bun:split

CREATE UNIQUE INDEX wharf_reservations_tag ON wharf_reservations (registry_id, canonical);
