package actions

import (
	"cmp"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// The kinds of names that ParseReference reads.
const (
	ReferenceAuto     = "auto"     // as all actions read it
	ReferenceLocal    = "local"    // of an image in an engine
	ReferenceRemote   = "remote"   // of an image of a cluster or of any other registry
	ReferencePlatform = "platform" // of an image of a cluster
)

// ParseReferenceAction tells what the name of an image means. Nothing is looked
// up: the image need not exist.
type ParseReferenceAction struct {
	Text string `json:"text" doc:"canonical or short name, image: URI or local name"`
	Kind string `json:"kind,omitempty" doc:"auto (as all actions read it), local, remote or platform; none: auto"`
	Tag  string `json:"tag,omitempty" doc:"default (a missing one is latest), optional or forbidden, of remote and platform; none: default"`
}

// ParseReferenceResult is the name in all its forms.
type ParseReferenceResult struct {
	// Local is set of the kind local, Remote of the others, unless they have no
	// such form: names with a digest, and in a cluster's registry but in none of
	// its projects.
	Local  *domain.LocalImage  `json:"local,omitempty"`
	Remote *domain.RemoteImage `json:"remote,omitempty"`
	// Owner is the project of a platform image, URI its image: URI.
	Owner string `json:"owner,omitempty"`
	URI   string `json:"uri,omitempty"`

	Registry string        `json:"registry"`
	Path     string        `json:"path"`
	Tag      string        `json:"tag,omitempty"` // latest also where a missing one was left out
	Digest   domain.Digest `json:"digest,omitempty"`

	Canonical string `json:"canonical"`
	DockerURL string `json:"docker_url"` // what engines are told
	// Short is how one writes it: within the current project of a platform image,
	// without the registry of others.
	Short string `json:"short"`
}

// Spec of reference.parse.
func (ParseReferenceAction) Spec() Spec {
	return Spec{Name: "reference.parse", Summary: "Show what the name of an image means", Effect: Read}
}

// Validate needs a text; a tag mode is for the kinds that have it.
func (a ParseReferenceAction) Validate() error {
	kind, tag := cmp.Or(a.Kind, ReferenceAuto), domain.TagMode(cmp.Or(a.Tag, string(domain.TagDefault)))
	switch {
	case a.Text == "":
		return domain.Invalid("empty_image_name", "text", "the name of the image is empty")
	case !slices.Contains([]string{ReferenceAuto, ReferenceLocal, ReferenceRemote, ReferencePlatform}, kind):
		return domain.Invalid("kind_invalid", "kind", "a kind is auto, local, remote or platform, not %s", domain.Quote(kind))
	case !slices.Contains([]domain.TagMode{domain.TagDefault, domain.TagOptional, domain.TagForbidden}, tag):
		return domain.Invalid("tag_mode_invalid", "tag", "a tag is default, optional or forbidden, not %s", domain.Quote(string(tag)))
	case tag != domain.TagDefault && (kind == ReferenceAuto || kind == ReferenceLocal):
		return domain.Invalid("tag_mode_invalid", "tag", "a tag can be %s of the kinds remote and platform", tag)
	}
	return nil
}
