-- Where the image is when no agent has it, as its builder calls the place; else ''.
ALTER TABLE wharf_built_images ADD COLUMN store {{.Text}} NOT NULL DEFAULT '';
