package domain

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names of the labels that carry meaning, as Backend.AI images have them.
const (
	LabelKernelSpec          = "ai.backend.kernelspec"
	LabelFeatures            = "ai.backend.features"
	LabelBaseDistro          = "ai.backend.base-distro"
	LabelRuntimeType         = "ai.backend.runtime-type"
	LabelRuntimePath         = "ai.backend.runtime-path"
	LabelRole                = "ai.backend.role"
	LabelCoreCountEnvs       = "ai.backend.envs.corecount"
	LabelAccelerators        = "ai.backend.accelerators"
	LabelServicePorts        = "ai.backend.service-ports"
	LabelBlockServicePorts   = "ai.backend.internal.block-service-ports"
	LabelEndpointPorts       = "ai.backend.endpoint-ports"
	LabelModelPath           = "ai.backend.model-path"
	LabelModelFormat         = "ai.backend.model-format"
	LabelCustomizedOwner     = "ai.backend.customized-image.owner"
	LabelCustomizedName      = "ai.backend.customized-image.name"
	LabelCustomizedID        = "ai.backend.customized-image.id"
	LabelCustomizedUserEmail = "ai.backend.customized-image.user.email"
	LabelOwnerProjectID      = "ai.backend.owner-project-id"

	// LabelOwnerUserID on a container names the user whose it is, by id. Whoever
	// starts containers for users sets it on each of them: an engine takes labels
	// that a container is not given from its image, and anybody makes images.
	LabelOwnerUserID = "ai.backend.owner-user-id"

	// The rest of these two names is a resource slot: ai.backend.resource.min.cpu.
	LabelResourceMinPrefix = "ai.backend.resource.min."
	LabelResourceMaxPrefix = "ai.backend.resource.max."

	// LabelTitle is the title annotation of the OCI image specification.
	LabelTitle = "org.opencontainers.image.title"
)

// Words of the features label that the product acts on.
const (
	FeatureOperation = "operation"
	FeaturePrivate   = "private"
)

// defaultFeature holds when there is no features label.
const defaultFeature = "uid-match"

// ImageType says what an image is run for.
type ImageType string

// The image types. Compute is the default: sessions of users. System images serve
// the platform, service images serve models.
const (
	ImageTypeCompute ImageType = "compute"
	ImageTypeSystem  ImageType = "system"
	ImageTypeService ImageType = "service"
)

// ParseImageType reads an image type in any case. Anything else is invalid with
// reason image_type_invalid.
func ParseImageType(s string) (ImageType, error) {
	switch t := ImageType(strings.ToLower(s)); t {
	case ImageTypeCompute, ImageTypeSystem, ImageTypeService:
		return t, nil
	}
	return "", Invalid("image_type_invalid", nameOr(s, "type"), "%s is not an image type: compute, system or service", Quote(s))
}

// RoleOf returns the image type that the role label gives: INFERENCE is service,
// SYSTEM is system, anything else and no label is compute. Case does not matter.
func RoleOf(labels map[string]string) ImageType {
	switch strings.ToUpper(strings.TrimSpace(labels[LabelRole])) {
	case "INFERENCE":
		return ImageTypeService
	case "SYSTEM":
		return ImageTypeSystem
	}
	return ImageTypeCompute
}

// Features returns the words of the features label, each once, in its order; one
// word, "uid-match", when there is no such label.
func Features(labels map[string]string) []string {
	text, given := labels[LabelFeatures]
	if !given {
		return []string{defaultFeature}
	}
	var features []string
	seen := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		if !seen[word] {
			seen[word] = true
			features = append(features, word)
		}
	}
	return features
}

// IsOperation tells whether the image serves operating the cluster: its features
// hold the whole word "operation".
func IsOperation(labels map[string]string) bool {
	return slices.Contains(Features(labels), FeatureOperation)
}

// IsPrivate tells whether the features hold the whole word "private".
func IsPrivate(labels map[string]string) bool {
	return slices.Contains(Features(labels), FeaturePrivate)
}

// IsCustomized tells whether a user made the image from a session: it has an owner
// label. The label counts even when it names nobody; see [OwnerOf].
func IsCustomized(labels map[string]string) bool {
	_, customized := labels[LabelCustomizedOwner]
	return customized
}

// IsReservedLabel reports whether a label says whose an image is, or which of
// the customized ones: whoever makes the image decides that, and not its labels.
func IsReservedLabel(name string) bool {
	return strings.HasPrefix(name, "ai.backend.customized-image.") || name == LabelOwnerUserID || name == LabelOwnerProjectID
}

// OwnerOf returns the user id of a customized image's owner label, "user:<id>". It
// is "" without a label and for a malformed one ([CheckName] says what an id may
// be). No user has the id "", so a customized image with a malformed label belongs
// to no user.
func OwnerOf(labels map[string]string) string {
	id, isUser := strings.CutPrefix(labels[LabelCustomizedOwner], "user:")
	if !isUser || CheckName("user", id) != nil {
		return ""
	}
	return id
}

var acceleratorForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$`)

// Accelerators returns the accelerators that the image says it works with, sorted
// and each once: the accelerators label, and the device of every resource.min and
// resource.max slot other than cpu and mem (cuda of cuda.device, whatever the
// quantity). Malformed names are left out; [CheckLabels] reports them.
//
// Nil means any: an image without a kernelspec label says nothing about its needs,
// and one that names no accelerator is not bound to any.
func Accelerators(labels map[string]string) []string {
	if _, described := labels[LabelKernelSpec]; !described {
		return nil
	}
	found := map[string]bool{}
	for _, name := range listOf(labels[LabelAccelerators]) {
		if acceleratorForm.MatchString(name) {
			found[name] = true
		}
	}
	for label := range labels {
		if device := deviceOf(label); device != "" {
			found[device] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// deviceOf returns the device of a resource label's slot: "cuda" for
// ai.backend.resource.min.cuda.device; "" for other labels, cpu, and mem.
func deviceOf(label string) string {
	key, isMin := strings.CutPrefix(label, LabelResourceMinPrefix)
	if !isMin {
		var isMax bool
		if key, isMax = strings.CutPrefix(label, LabelResourceMaxPrefix); !isMax {
			return ""
		}
	}
	slot, err := slotName(key)
	if err != nil || slot == SlotCPU || slot == SlotMem {
		return ""
	}
	device, _, _ := strings.Cut(slot, ".")
	device, _, _ = strings.Cut(device, ":")
	return device
}

// HumanizedName returns the name of an image for people: the title label, else the
// name that its user gave a customized image, else the last component of
// repositoryName; then a space and the tag, unless the tag is latest or empty. A
// label counts when, trimmed, it is 1 to 128 printable runes of valid UTF-8.
func HumanizedName(repositoryName, tag string, labels map[string]string) string {
	name := repositoryName[strings.LastIndexByte(repositoryName, '/')+1:]
	for _, label := range []string{LabelTitle, LabelCustomizedName} {
		if text := strings.TrimSpace(labels[label]); presentable(text) {
			name = text
			break
		}
	}
	if tag == "" || tag == defaultTag {
		return name
	}
	return strings.TrimSpace(name + " " + tag)
}

func presentable(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 128 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// listOf splits a comma list; blank items are dropped.
func listOf(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
