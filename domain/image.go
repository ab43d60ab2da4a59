package domain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// ImageStatus is where an image stands in its life.
type ImageStatus string

// The statuses.
const (
	ImageAlive     ImageStatus = "alive"     // usable
	ImageForgotten ImageStatus = "forgotten" // an operator's decision; a rescan keeps it
	ImageMissing   ImageStatus = "missing"   // a complete listing of the registry did not have it
)

// ImageStatuses lists every status; the slice is new on every call.
func ImageStatuses() []ImageStatus { return []ImageStatus{ImageAlive, ImageForgotten, ImageMissing} }

// Image is one image of the catalogue: one tag for one architecture. The five
// parts Registry, Project, Name, Tag and Architecture are unique together.
//
// Labels are the registry's; OperatorLabels override them and survive a rescan.
// CustomLimits are an operator's; ResourceLimits merges them with the labels.
type Image struct {
	ID           ImageID    `json:"id"`
	RegistryID   RegistryID `json:"registry_id"`
	Registry     string     `json:"registry"` // host, with the port if it has one
	Project      string     `json:"project"`  // path prefix that the registry row stands for; may be ""
	Name         string     `json:"name"`     // path below the project
	Tag          string     `json:"tag"`
	Architecture string     `json:"architecture"` // internal name with variant, see NormalizeArchitecture

	TagDigest      Digest `json:"tag_digest"`      // what the tag points to: an index or a manifest
	ManifestDigest Digest `json:"manifest_digest"` // the manifest of this architecture
	ConfigDigest   Digest `json:"digest"`          // the image id that engines report
	SizeBytes      int64  `json:"size_bytes"`      // layers and config, compressed

	Type           ImageType         `json:"type"`
	Status         ImageStatus       `json:"status"`
	IsLocal        bool              `json:"is_local"`
	Operation      bool              `json:"is_operation"`    // runs the cluster rather than users' work
	Customized     bool              `json:"customized"`      // made by a user from a container of theirs
	Owner          UserID            `json:"owner,omitempty"` // of a customized image; "" when its label is malformed
	Accelerators   []string          `json:"accelerators"`    // nil: any; empty: none
	Labels         map[string]string `json:"labels,omitempty"`
	OperatorLabels map[string]string `json:"operator_labels,omitempty"`
	CustomLimits   Limits            `json:"custom_limits,omitempty"`

	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"` // zero: never, as far as Wharf knows
	Revision   int64     `json:"revision"`
}

// Repository returns the path below the registry: project and name.
func (i Image) Repository() string { return JoinPath(i.Project, i.Name) }

// Reference returns the reference by tag.
func (i Image) Reference() Reference {
	return Reference{Registry: i.Registry, Path: i.Repository(), Tag: i.Tag}
}

// Canonical returns registry/project/name:tag. It never fails, not even for a
// tag that no parser would take.
func (i Image) Canonical() string { return i.Registry + "/" + i.Repository() + ":" + i.Tag }

// EffectiveLabels returns the registry's labels with the operator's over them,
// in a new map.
func (i Image) EffectiveLabels() map[string]string {
	l := make(map[string]string, len(i.Labels)+len(i.OperatorLabels))
	maps.Copy(l, i.Labels)
	maps.Copy(l, i.OperatorLabels)
	return l
}

// ResourceLimits returns what a container of the image needs and may have,
// sorted by key; see the function of the same name for the merge.
func (i Image) ResourceLimits() []ResourceLimit {
	return ResourceLimits(i.EffectiveLabels(), i.CustomLimits)
}

// SupportedAccelerators returns ["*"] where any will do.
func (i Image) SupportedAccelerators() []string {
	if i.Accelerators == nil {
		return []string{"*"}
	}
	return slices.Clone(i.Accelerators)
}

// HumanizedName returns a name for people; see the function of the same name.
func (i Image) HumanizedName() string {
	return HumanizedName(i.Repository(), i.Tag, i.EffectiveLabels())
}

// Derive sets the fields that follow from the labels: type, operation,
// customized, owner, accelerators. Scans and label changes call it.
func (i *Image) Derive() {
	labels := i.EffectiveLabels()
	i.Type = RoleOf(labels)
	i.Customized, i.Owner = IsCustomized(labels), UserID(OwnerOf(labels))
	i.Operation = IsOperation(labels)
	i.Accelerators = Accelerators(labels)
}

// Forget marks the image as no longer wanted and reports whether that changed
// it. Any status can be forgotten.
func (i *Image) Forget() bool {
	changed := i.Status != ImageForgotten
	i.Status = ImageForgotten
	return changed
}

// Restore takes Forget back and reports whether that changed the image. A
// missing image cannot be restored, only found again: precondition, reason
// image_missing.
func (i *Image) Restore() (bool, error) {
	switch i.Status {
	case ImageMissing:
		return false, Errorf(CodePrecondition, "image_missing", i.Canonical(), "%s is gone from its registry; a rescan brings it back when it is there again", i.Canonical())
	case ImageAlive:
		return false, nil
	}
	i.Status = ImageAlive
	return true, nil
}

// ImageDetail is an image with what lists show beside it. Its JSON also holds
// what follows from the image: canonical, humanized_name, resource_limits and
// supported_accelerators.
type ImageDetail struct {
	Image
	Aliases        []string `json:"aliases"`
	InstalledCount int      `json:"installed_count"` // agents that hold it
}

// MarshalJSON writes the image with the fields that follow from it.
func (d ImageDetail) MarshalJSON() ([]byte, error) {
	type plain Image // without methods
	return json.Marshal(struct {
		plain
		Canonical      string          `json:"canonical"`
		Humanized      string          `json:"humanized_name"`
		ResourceLimits []ResourceLimit `json:"resource_limits"`
		Accelerators   []string        `json:"supported_accelerators"`
		Aliases        []string        `json:"aliases"`
		Installed      bool            `json:"installed"`
		InstalledCount int             `json:"installed_count"`
	}{plain(d.Image), d.Canonical(), d.HumanizedName(), d.ResourceLimits(), d.SupportedAccelerators(),
		d.Aliases, d.InstalledCount > 0, d.InstalledCount})
}

// ImageKey names an image the way users do: a reference (canonical, short,
// digest, alias or id) and, where a tag has several, an architecture.
type ImageKey struct {
	Reference    string `json:"reference"`
	Architecture string `json:"architecture,omitempty"`
}

// String shows the key in messages.
func (k ImageKey) String() string {
	if k.Architecture == "" {
		return k.Reference
	}
	return k.Reference + " (" + k.Architecture + ")"
}

// Alias is a short name for one image.
type Alias struct {
	ID        AliasID   `json:"id"`
	Alias     string    `json:"alias"`
	ImageID   ImageID   `json:"image_id"`
	CreatedAt time.Time `json:"created_at"`
}

// ParseAlias trims s and checks it: 1-256 bytes, no control characters or
// inner white space, and never shaped like an id or an image: URI, so that resolving
// by these and by alias cannot mean two things. Errors: invalid, reason alias_invalid.
func ParseAlias(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 256 {
		return "", Invalid("alias_invalid", "alias", "an alias has 1-256 characters: %s", Quote(s))
	}
	if !printable(s) {
		return "", Invalid("alias_invalid", "alias", "an alias has no white space or characters that do not print: %s", Quote(s))
	}
	if IsID(strings.ToLower(s)) {
		return "", Invalid("alias_invalid", "alias", "an alias must not look like an id: %s", Quote(s))
	}
	if strings.HasPrefix(s, uriScheme+"/") {
		return "", Invalid("alias_invalid", "alias", "an alias must not look like an image: URI: %s", Quote(s))
	}
	return s, nil
}

// ImageFields is the table of fields for lists of images.
var ImageFields = Fields{
	"id":           {Kind: KindText},
	"canonical":    {Kind: KindText, Sortable: true},
	"registry":     {Kind: KindText},
	"project":      {Kind: KindText},
	"name":         {Kind: KindText, Sortable: true},
	"tag":          {Kind: KindText},
	"architecture": {Kind: KindText},
	"digest":       {Kind: KindText},
	"status":       {Kind: KindEnum, Values: []string{string(ImageAlive), string(ImageForgotten), string(ImageMissing)}},
	"type":         {Kind: KindEnum, Values: []string{string(ImageTypeCompute), string(ImageTypeSystem), string(ImageTypeService)}},
	"owner":        {Kind: KindText},
	"label":        {Kind: KindMap},
	"accelerator":  {Kind: KindSet},
	"alias":        {Kind: KindSet},
	"agent":        {Kind: KindSet},
	"size_bytes":   {Kind: KindInt, Sortable: true},
	"created_at":   {Kind: KindTime, Sortable: true},
	"updated_at":   {Kind: KindTime, Sortable: true},
	"last_used_at": {Kind: KindTime, Sortable: true},
}

// ImageQuery selects images: the filters of the GraphQL query images, a free
// filter, and statuses. A nil pointer means "not asked for". Domain, Group and
// ScalingGroup follow the query's documentation: domain only for reach any, a
// scaling group alone or inside a group.
type ImageQuery struct {
	IsInstalled  *bool         `json:"is_installed,omitempty"`
	IsOperation  *bool         `json:"is_operation,omitempty"`
	Domain       *string       `json:"domain,omitempty"`
	Group        *string       `json:"group,omitempty"`
	ScalingGroup *string       `json:"scaling_group,omitempty"`
	Statuses     []ImageStatus `json:"statuses,omitempty"` // empty: alive
	Where        Filter        `json:"where,omitzero"`
}

// Check tests the statuses and the filter. Errors: invalid.
func (q ImageQuery) Check() error {
	if err := CheckStatuses(q.Statuses); err != nil {
		return err
	}
	return q.Where.Check(ImageFields)
}

// CheckStatuses tests that every status is known. Errors: invalid, reason
// status_invalid.
func CheckStatuses(statuses []ImageStatus) error {
	for _, s := range statuses {
		if !slices.Contains(ImageStatuses(), s) {
			return Invalid("status_invalid", "status", "a status is alive, forgotten or missing: %s", Quote(string(s)))
		}
	}
	return nil
}

// MergeScan returns a stored image with what a scan saw of it, and whether that
// changed anything. Scans own what registries say: where it is, its digests,
// its size, its labels and what follows from them. They leave alone what
// operators said. A missing image that is seen is alive again; a forgotten one
// stays forgotten.
func (i Image) MergeScan(seen Image) (Image, SyncOutcome) {
	out := i
	out.RegistryID, out.Project, out.Name = seen.RegistryID, seen.Project, seen.Name
	out.TagDigest, out.ManifestDigest, out.ConfigDigest = seen.TagDigest, seen.ManifestDigest, seen.ConfigDigest
	out.SizeBytes = seen.SizeBytes
	if !maps.Equal(i.Labels, seen.Labels) {
		out.Labels = seen.Labels
		out.Derive()
	}
	if i.Status == ImageMissing {
		out.Status = ImageAlive
	}
	same := out.RegistryID == i.RegistryID && out.Project == i.Project && out.Name == i.Name &&
		out.TagDigest == i.TagDigest && out.ManifestDigest == i.ManifestDigest && out.ConfigDigest == i.ConfigDigest &&
		out.SizeBytes == i.SizeBytes && out.Status == i.Status && maps.Equal(i.Labels, seen.Labels)
	if same {
		return i, SyncUnchanged
	}
	return out, SyncUpdated
}
