package cli

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
)

// resolve puts ids where the action wants ids and the operator wrote names.
// It asks the service, as the caller: nobody finds what they may not see.
func (c *command) resolve(ctx context.Context, svc Service, action actions.Action) error {
	at := reflect.ValueOf(action).Elem()
	if a, ok := action.(*actions.PurgeImagesAction); ok {
		return c.resolveTargets(ctx, svc, a)
	}
	for _, f := range c.fields {
		dst := at.FieldByIndex(f.index)
		switch p := dst.Addr().Interface().(type) {
		case *domain.ImageID:
			if err := c.resolveImage(ctx, svc, p); err != nil {
				return err
			}
		case *[]domain.ImageID:
			for i := range *p {
				if err := c.resolveImage(ctx, svc, &(*p)[i]); err != nil {
					return err
				}
			}
		case *domain.RegistryID:
			if err := c.resolveRegistry(ctx, svc, (*string)(p)); err != nil {
				return err
			}
		case *[]actions.ImageRef:
			for i := range *p {
				if arch := c.architecture.String(); arch != "" {
					(*p)[i].Architecture = arch
				}
			}
		case *string:
			// Rescan and clear know hosts and ids; host/project is how tables and
			// messages name a registration.
			if f.kind == "registry" && strings.Contains(*p, "/") {
				if err := c.resolveRegistry(ctx, svc, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// resolveImage finds the id behind a name. The rule is that of writes: a name
// that means several architectures is refused, not guessed.
func (c *command) resolveImage(ctx context.Context, svc Service, id *domain.ImageID) error {
	name, arch := strings.TrimSpace(string(*id)), c.architecture.String()
	if domain.IsID(name) || name == "" {
		return nil
	}
	if strings.Contains(name, "@") {
		return domain.Invalid("reference_invalid", name, "several tags can share a digest; name the image by tag, alias or id: %s", domain.Quote(name))
	}
	result, err := c.call(ctx, svc, "image.get", &actions.GetImageAction{Reference: name, Architecture: arch, Statuses: domain.ImageStatuses()})
	if err != nil {
		return err
	}
	found := result.(actions.GetImageResult).Image
	if arch == "" && !c.isAlias(name, found) {
		if err := c.onlyOne(ctx, svc, name, found.Canonical()); err != nil {
			return err
		}
	}
	*id = found.ID
	return nil
}

// isAlias reports whether a name found its image as an alias, which names one
// architecture only. Names win over aliases.
func (c *command) isAlias(name string, found domain.ImageDetail) bool {
	ref, err := c.p.settings.References().Parse(name)
	return slices.Contains(found.Aliases, name) && (err != nil || ref.Canonical() != found.Canonical())
}

func (c *command) onlyOne(ctx context.Context, svc Service, name, canonical string) error {
	a := &actions.ListImagesAction{ImageQuery: domain.ImageQuery{Statuses: domain.ImageStatuses(), Where: domain.Where("canonical", domain.Eq, canonical)}}
	result, err := c.call(ctx, svc, "image.list", a)
	if err != nil {
		return err
	}
	images := result.(actions.ListImagesResult).Images
	if len(images) < 2 {
		return nil
	}
	var names []string
	for _, i := range images {
		names = append(names, i.Architecture)
	}
	return domain.Invalid("architecture_ambiguous", name, "%s has several architectures, name one with --architecture: %s", domain.Quote(name), strings.Join(names, ", "))
}

// resolveRegistry finds the id behind host or host/project.
func (c *command) resolveRegistry(ctx context.Context, svc Service, id *string) error {
	if domain.IsID(*id) || *id == "" {
		return nil
	}
	host, project, withProject := strings.Cut(*id, "/")
	where := domain.Where("name", domain.Eq, host)
	if withProject {
		where = domain.AllOf(where, domain.Where("project", domain.Eq, project))
	}
	result, err := c.call(ctx, svc, "registry.list", &actions.ListRegistriesAction{Where: where})
	if err != nil {
		return err
	}
	rows := result.(actions.ListRegistriesResult).Registries
	switch {
	case len(rows) == 0:
		return domain.NotFound("registry", *id)
	case len(rows) > 1:
		var names []string
		for _, r := range rows {
			names = append(names, r.String()+" ("+string(r.ID)+")")
		}
		return domain.Invalid("registry_ambiguous", *id, "%s has several registrations, name one: %s", domain.Quote(*id), strings.Join(names, ", "))
	}
	*id = string(rows[0].ID)
	return nil
}

// call runs another action of the catalogue.
func (c *command) call(ctx context.Context, svc Service, name string, a actions.Action) (any, error) {
	return c.p.call(ctx, svc, name, a)
}

func (p *program) call(ctx context.Context, svc Service, name string, a actions.Action) (any, error) {
	e, ok := p.entry(name)
	if !ok {
		return nil, domain.Errorf(domain.CodeInternal, "action_missing", name, "there is no action %s", name)
	}
	return svc.Invoke(ctx, e, a)
}
