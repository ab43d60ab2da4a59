package domain

// Identity is a change of an image's name. Name is the whole canonical name;
// Registry, Image (the path below the registry) and Tag are its parts. Absent
// parts stay as they are.
type Identity struct {
	Name     Patch[string]
	Registry Patch[string]
	Image    Patch[string]
	Tag      Patch[string]
}

// Apply returns the reference that the change makes of ref. Errors: invalid
// for a part that is malformed; conflict, reason identity_inconsistent, when
// Name and a part say different things.
func (c Identity) Apply(p ReferenceParser, ref Reference) (Reference, error) {
	out := ref
	name, whole := c.Name.Get()
	if whole {
		parsed, err := p.Parse(name)
		if err != nil {
			return Reference{}, err
		}
		if parsed.Digest != "" {
			return Reference{}, Invalid("reference_invalid", "name", "an image is named by a tag, not by a digest: %s", Quote(name))
		}
		out = parsed
	}
	parts := []struct {
		field string
		patch Patch[string]
		dst   *string
		check func(string) error
	}{
		{"registry", c.Registry, &out.Registry, ValidateRegistryHost},
		{"image", c.Image, &out.Path, ValidateRepositoryPath},
		{"tag", c.Tag, &out.Tag, ValidateTag},
	}
	for _, part := range parts {
		v, ok := part.patch.Get()
		if !ok {
			continue
		}
		if err := part.check(v); err != nil {
			return Reference{}, err
		}
		if part.field == "registry" { // hosts are the same in any case
			v, _ = NormalizeRegistryHost(v)
		}
		if whole && *part.dst != v {
			return Reference{}, Errorf(CodeConflict, "identity_inconsistent", part.field, "name says %s, %s says %s", Quote(name), part.field, Quote(v))
		}
		*part.dst = v
	}
	return out, nil
}
