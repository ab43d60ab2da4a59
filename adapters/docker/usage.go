package docker

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// usage is which containers, running or not, use what.
type usage []container.Summary

func (a *agent) usage(ctx context.Context) (usage, error) {
	list, err := a.engine.containers(ctx)
	return list, err
}

// of returns the names of the containers that use an image by one of its names.
// A container that was made of another name of the image uses that one; one that
// was made of the id, or of a name that is gone, uses them all.
func (u usage) of(id, name string, names []string) []string {
	var using []string
	for _, c := range u {
		madeOf, named := canonicalOf(c.Image)
		sibling := named && madeOf != name && slices.Contains(names, madeOf)
		byID := idOf(c.ImageID) == id && !sibling
		byName := c.ImageID == "" && named && madeOf == name // the engine does not tell the id
		if byID || byName {
			using = append(using, containerName(c))
		}
	}
	slices.Sort(using)
	return using
}

// containerName is the name that people know. Links to a container are further
// names, with the other container's in front.
func containerName(c container.Summary) string {
	for _, n := range c.Names {
		if n = strings.TrimPrefix(n, "/"); n != "" && !strings.Contains(n, "/") {
			return n
		}
	}
	return cmp.Or(c.ID[:min(len(c.ID), 12)], "?")
}
