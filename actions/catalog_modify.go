package actions

import (
	"maps"
	"slices"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// ModifyImageAction changes what an operator may change of an image.
type ModifyImageAction struct {
	Target       string        `json:"target" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string        `json:"architecture,omitempty" doc:"needed where the reference has several"`
	Modifier     ImageModifier `json:"modifier" doc:"the fields to change"`
	Revision     int64         `json:"revision,omitempty" doc:"change it only while it has this revision; none: whatever it has"`
}

// ImageModifier is a change: absent fields stay. Name, Registry, Image, Tag
// and Architecture are parts of one identity: a change of one rewrites what
// follows from it, parts that contradict each other are conflict. The registry
// that the identity then names must be registered.
type ImageModifier struct {
	Name           domain.Patch[string]            `json:"name,omitzero" doc:"canonical name: registry/path:tag"`
	Registry       domain.Patch[string]            `json:"registry,omitzero" doc:"host of the registry"`
	Image          domain.Patch[string]            `json:"image,omitzero" doc:"path below the registry"`
	Tag            domain.Patch[string]            `json:"tag,omitzero"`
	Architecture   domain.Patch[string]            `json:"architecture,omitzero"`
	IsLocal        domain.Patch[bool]              `json:"is_local,omitzero"`
	SizeBytes      domain.Patch[int64]             `json:"size_bytes,omitzero"`
	Type           domain.Patch[domain.ImageType]  `json:"type,omitzero" doc:"compute, system or service"`
	Digest         domain.Patch[domain.Digest]     `json:"digest,omitzero" doc:"of the config"`
	Labels         domain.Patch[map[string]string] `json:"labels,omitzero" doc:"operator labels: over the registry's, kept by rescans; null clears them"`
	Accelerators   domain.Patch[[]string]          `json:"supported_accelerators,omitzero" doc:"null means any"`
	ResourceLimits domain.Patch[domain.Limits]     `json:"resource_limits,omitzero" doc:"custom limits by slot, replacing all; a bare value is a minimum; null clears them"`
}

// IsZero reports whether nothing would change.
func (m ImageModifier) IsZero() bool {
	return m.Name.IsZero() && m.Registry.IsZero() && m.Image.IsZero() && m.Tag.IsZero() && m.Architecture.IsZero() &&
		m.IsLocal.IsZero() && m.SizeBytes.IsZero() && m.Type.IsZero() && m.Digest.IsZero() && m.Labels.IsZero() &&
		m.Accelerators.IsZero() && m.ResourceLimits.IsZero()
}

// ModifyImageResult is the image as stored.
type ModifyImageResult struct {
	Image domain.Image `json:"image"`
}

// Spec of image.modify.
func (ModifyImageAction) Spec() Spec {
	return Spec{Name: "image.modify", Summary: "Change an image's labels, limits or identity", Effect: Write}
}

// Validate needs a reference and a sound change.
func (a ModifyImageAction) Validate() error {
	return firstError(needImage("target", a.Target, a.Architecture), a.Modifier.check())
}

// ModifyImageByIDAction is ModifyImageAction by id.
type ModifyImageByIDAction struct {
	ImageID  domain.ImageID `json:"image_id" doc:"id of the image"`
	Modifier ImageModifier  `json:"modifier" doc:"the fields to change"`
	Revision int64          `json:"revision,omitempty" doc:"change it only while it has this revision; none: whatever it has"`
}

// Spec of image.modify_by_id.
func (ModifyImageByIDAction) Spec() Spec {
	return Spec{Name: "image.modify_by_id", Permission: "image.modify", Summary: "Change an image by id", Effect: Write}
}

// Validate needs an id and a sound change.
func (a ModifyImageByIDAction) Validate() error {
	return firstError(needID("image_id", a.ImageID), a.Modifier.check())
}

func (m ImageModifier) check() error {
	if m.IsZero() {
		return domain.Invalid("modifier_empty", "modifier", "nothing to change")
	}
	for field, p := range map[string]domain.Patch[string]{"name": m.Name, "registry": m.Registry, "image": m.Image, "tag": m.Tag, "architecture": m.Architecture} {
		if p.IsNull() {
			return domain.Invalid("modifier_invalid", field, "%s cannot be null", field)
		}
	}
	if t, ok := m.Type.Get(); ok || m.Type.IsNull() {
		if _, err := domain.ParseImageType(string(t)); err != nil {
			return err
		}
	}
	if labels, ok := m.Labels.Get(); ok {
		if err := checkLabels(labels); err != nil {
			return err
		}
	}
	if d, ok := m.Digest.Get(); ok && d != "" {
		if _, err := domain.ParseDigest(string(d)); err != nil {
			return err
		}
	}
	if n, _ := m.SizeBytes.Get(); n < 0 {
		return domain.Invalid("modifier_invalid", "size_bytes", "a size is not negative: %d", n)
	}
	if l, ok := m.ResourceLimits.Get(); ok {
		if _, err := domain.NormalizeLimits(l); err != nil {
			return err
		}
	}
	if a, ok := m.Architecture.Get(); ok {
		if _, err := domain.NormalizeArchitecture(a); err != nil {
			return err
		}
	}
	return nil
}

// checkLabels refuses an operator's label that cannot mean anything. Each is
// looked at by itself: what goes with what is known only with the image's own.
func checkLabels(labels map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		for _, err := range domain.CheckLabels(map[string]string{name: labels[name]}) {
			if name != domain.LabelRole || domain.OnOf(err) == name { // a role asks for other labels
				return err
			}
		}
	}
	return nil
}

// RecordImageUseAction notes that an image was used, which list filters and
// clean-ups go by. The time never goes back.
type RecordImageUseAction struct {
	Reference    string    `json:"reference" kind:"image" doc:"canonical name, short name, digest, alias or id"`
	Architecture string    `json:"architecture,omitempty" doc:"needed where the reference has several"`
	At           time.Time `json:"at,omitzero" doc:"when; none: now"`
}

// RecordImageUseResult names the image.
type RecordImageUseResult struct {
	ImageID    domain.ImageID `json:"image_id"`
	LastUsedAt time.Time      `json:"last_used_at"`
}

// Spec of image.use.
func (RecordImageUseAction) Spec() Spec {
	return Spec{Name: "image.use", Summary: "Note that an image was used", Effect: Write}
}

// Validate needs a reference.
func (a RecordImageUseAction) Validate() error {
	return needImage("reference", a.Reference, a.Architecture)
}
