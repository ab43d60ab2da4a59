package view

import (
	"maps"
	"slices"

	"github.com/wharf-project/wharf/domain"
)

// KVPair is one label.
type KVPair struct{ Key, Value string }

// Pairs returns labels sorted by key, never nil.
func Pairs(labels map[string]string) []KVPair {
	list := make([]KVPair, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, KVPair{k, labels[k]})
	}
	return list
}

// Limits returns custom limits sorted by slot, never nil.
func Limits(limits domain.Limits) []domain.ResourceLimit {
	list := make([]domain.ResourceLimit, 0, len(limits))
	for _, k := range slices.Sorted(maps.Keys(limits)) {
		list = append(list, domain.ResourceLimit{Key: k, Min: limits[k].Min, Max: limits[k].Max})
	}
	return list
}

// Image is an image of the documented interface.
type Image struct {
	Name                  string // path below the registry
	HumanizedName         string
	Tag                   string
	Registry              string
	Digest                string // of the config
	Labels                []KVPair
	Aliases               []string
	SizeBytes             int64
	ResourceLimits        []domain.ResourceLimit
	SupportedAccelerators []string
	Installed             bool
	InstalledAgents       []string // nil: not for this caller
}

// ImageOf shows an image the documented way; InstalledAgents is left nil.
func ImageOf(d domain.ImageDetail) *Image {
	return &Image{
		Name: d.Repository(), HumanizedName: d.HumanizedName(), Tag: d.Tag, Registry: d.Registry, Digest: string(d.ConfigDigest),
		Labels: Pairs(d.EffectiveLabels()), Aliases: d.Aliases, SizeBytes: d.SizeBytes, ResourceLimits: d.ResourceLimits(),
		SupportedAccelerators: d.SupportedAccelerators(), Installed: d.InstalledCount > 0,
	}
}

// Payload is what a mutation of the documented interface answers. TaskID is nil
// where none was made.
type Payload struct {
	OK     bool
	Msg    string
	TaskID *string
}
