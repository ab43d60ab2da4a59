package domain

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// defaultMinimum holds for the slots that every image has, when no label says
// otherwise: one core and one GiB.
var defaultMinimum = map[string]string{SlotCPU: "1", SlotMem: "1073741824"}

// LabelLimits returns the minima that an image's labels ask for
// (ai.backend.resource.min.<slot>), and the defaults of cpu (1) and mem (1 GiB)
// where no usable label does. A label replaces its default even when it is lower.
// Labels never give a maximum.
//
// An unusable label is left out and reported, one error each in the order of the
// label names: invalid, reason label_invalid, On the label. They are findings
// about the image and no reason to stop: the limits are complete beside them.
func LabelLimits(labels map[string]string) (Limits, []error) {
	limits := Limits{}
	var problems []error
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		key, isMin := strings.CutPrefix(label, LabelResourceMinPrefix)
		if !isMin {
			continue
		}
		slot, err := slotName(key)
		if err == nil {
			_, err = parseQuantity(slot, labels[label])
		}
		if err != nil {
			problems = append(problems, badLabel(label, MessageOf(err)))
			continue
		}
		// In sorted order mem comes before memory, and so it wins.
		if _, twice := limits[slot]; twice {
			problems = append(problems, badLabel(label, "mem is given too; they are one slot"))
			continue
		}
		limits[slot] = Limit{Min: strings.TrimSpace(labels[label])}
	}
	for slot, least := range defaultMinimum {
		if _, given := limits[slot]; !given {
			limits[slot] = Limit{Min: least}
		}
	}
	return limits, problems
}

// ResourceLimits merges what labels ask for with what an operator set, slot by
// slot, and returns the result sorted by slot:
//
//   - min of cpu and mem: the larger of the two, compared as numbers, so that an
//     operator can raise what an image needs and not undercut it
//   - min of other slots: the operator's if there is one, else the label's
//   - max: the operator's, or none
//
// It never fails: malformed parts of custom count as absent, so that one bad row
// cannot break a listing. A max below a label's min stays as the operator set it.
// Merging the result again with the same labels changes nothing.
func ResourceLimits(labels map[string]string, custom Limits) []ResourceLimit {
	asked, _ := LabelLimits(labels)
	set := usableLimits(custom)
	slots := slices.Sorted(maps.Keys(set))
	for slot := range asked {
		if _, both := set[slot]; !both {
			slots = append(slots, slot)
		}
	}
	slices.Sort(slots)
	merged := make([]ResourceLimit, 0, len(slots))
	for _, slot := range slots {
		least := cmp.Or(set[slot].Min, asked[slot].Min, "0")
		if slot == SlotCPU || slot == SlotMem {
			if c, err := CompareQuantity(slot, asked[slot].Min, least); err == nil && c > 0 {
				least = asked[slot].Min
			}
		}
		merged = append(merged, ResourceLimit{Key: slot, Min: least, Max: set[slot].Max})
	}
	return merged
}

// usableLimits is NormalizeLimits without errors: it keeps the parts that are well
// formed each by itself.
func usableLimits(limits Limits) Limits {
	usable := Limits{}
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		slot, err := slotName(key)
		if _, twice := usable[slot]; err != nil || twice {
			continue
		}
		var l Limit
		if _, err := parseQuantity(slot, limits[key].Min); err == nil {
			l.Min = strings.TrimSpace(limits[key].Min)
		}
		if _, err := parseQuantity(slot, limits[key].Max); err == nil {
			l.Max = strings.TrimSpace(limits[key].Max)
		}
		if l != (Limit{}) {
			usable[slot] = l
		}
	}
	return usable
}
