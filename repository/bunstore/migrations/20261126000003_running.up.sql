-- What a worker is at, for whoever watches: JSON.
ALTER TABLE wharf_tasks ADD COLUMN running TEXT NOT NULL DEFAULT 'null';
