package actions

import "github.com/wharf-project/wharf/domain"

// GetImageDigestAction reads what a tag points to now, from the registry.
type GetImageDigestAction struct {
	Image string `json:"image" kind:"image" doc:"with a tag; none: latest"`
}

// GetImageDigestResult holds the digest of the manifest or index.
type GetImageDigestResult struct {
	Image  string        `json:"image"` // canonical
	Digest domain.Digest `json:"digest"`
}

// Spec of remote.digest.
func (GetImageDigestAction) Spec() Spec {
	return Spec{Name: "remote.digest", Summary: "Show the digest of a tag in its registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetImageDigestAction) Validate() error { return need("image", a.Image) }

// GetTagInfoAction reads name and size of a tag from the registry.
type GetTagInfoAction struct {
	Image        string `json:"image" kind:"image" doc:"with a tag; none: latest"`
	Architecture string `json:"architecture,omitempty" doc:"of several; none: the installation's, else the first"`
}

// GetTagInfoResult is a tag. SizeBytes is that of the layers of one platform,
// compressed, without the configuration: the one asked for of an index.
type GetTagInfoResult struct {
	Name         string         `json:"name"`
	SizeBytes    int64          `json:"size"`
	Image        string         `json:"image"` // canonical
	Digest       domain.Digest  `json:"digest"`
	Architecture string         `json:"architecture"`
	Platforms    []PlatformSize `json:"platforms"` // every image behind the tag
}

// PlatformSize is one image of a tag.
type PlatformSize struct {
	Architecture string        `json:"architecture"`
	Digest       domain.Digest `json:"digest"` // of its manifest
	SizeBytes    int64         `json:"size"`   // of its layers
}

// Spec of remote.tag_info.
func (GetTagInfoAction) Spec() Spec {
	return Spec{Name: "remote.tag_info", Summary: "Show a tag of a registry and its platforms", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetTagInfoAction) Validate() error { return needImage("image", a.Image, a.Architecture) }

// GetImageSizeAction reads the size of an image from the registry.
type GetImageSizeAction struct {
	Image        string `json:"image" kind:"image" doc:"with a tag; none: latest"`
	Architecture string `json:"architecture,omitempty" doc:"of several; none: the installation's, else the first"`
}

// GetImageSizeResult is a size as GetTagInfo gives it.
type GetImageSizeResult struct {
	Image     string `json:"image"` // canonical
	SizeBytes int64  `json:"size"`
}

// Spec of remote.size.
func (GetImageSizeAction) Spec() Spec {
	return Spec{Name: "remote.size", Summary: "Show the size of an image in its registry", Effect: Read, Timeout: remoteTimeout}
}

// Validate needs an image.
func (a GetImageSizeAction) Validate() error { return needImage("image", a.Image, a.Architecture) }
