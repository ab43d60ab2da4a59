package domain

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// Names of the two resource slots that every image has.
const (
	SlotCPU = "cpu"
	SlotMem = "mem"
)

// Limit is what an operator sets for one resource slot of an image: quantities
// as text, "" where there is none. In slot mem they are sizes ([ParseBinarySize]),
// elsewhere decimals.
//
// Its JSON is {"min": "1", "max": "4"}, or a bare quantity, which means the
// minimum. Quantities may be strings or numbers.
type Limit struct {
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
}

// Limits are the custom limits of an image by slot name. Nothing is checked
// before [NormalizeLimits].
type Limits map[string]Limit

// ResourceLimit is the limit of one slot as images show it: custom limits and
// labels merged (see [ResourceLimits]). Min is "0" when nothing sets a minimum.
type ResourceLimit struct {
	Key string `json:"key"`
	Min string `json:"min"`
	Max string `json:"max,omitempty"`
}

// UnmarshalJSON reads both forms of a limit. An unknown member is refused, since
// a misspelled max would silently mean none. null leaves the limit as it is.
// Errors are invalid with reason limit_invalid.
func (l *Limit) UnmarshalJSON(data []byte) error {
	var whole struct {
		Min quantity `json:"min"`
		Max quantity `json:"max"`
	}
	data = bytes.TrimSpace(data)
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	var err error
	if bytes.HasPrefix(data, []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		err = d.Decode(&whole)
	} else {
		err = whole.Min.UnmarshalJSON(data)
	}
	if err != nil {
		return Invalid("limit_invalid", excerpt(string(data)), `a limit is a quantity, or an object with "min" and "max" only`)
	}
	*l = Limit{Min: string(whole.Min), Max: string(whole.Max)}
	return nil
}

// quantity takes a JSON string or number; a number keeps its digits.
type quantity string

func (q *quantity) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(data, &n); err != nil {
			return err
		}
		*q = quantity(n)
		return nil
	}
	return json.Unmarshal(data, (*string)(q))
}

// NormalizeLimits checks limits and returns them in the form that is stored:
// slot memory is called mem, and quantities are trimmed but otherwise as written.
// The argument is not changed and the result is never nil.
//
// Invalid, with reason limit_invalid and On naming slot and side ("cpu.min"),
// are: a malformed slot name, both mem and memory, neither min nor max, a
// malformed or negative quantity, and a min above the max.
func NormalizeLimits(limits Limits) (Limits, error) {
	normal := make(Limits, len(limits))
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		slot, err := slotName(key)
		if err != nil {
			return nil, err
		}
		if _, twice := normal[slot]; twice {
			return nil, Invalid("limit_invalid", slot, "both mem and memory are given; they are one slot")
		}
		l := Limit{Min: strings.TrimSpace(limits[key].Min), Max: strings.TrimSpace(limits[key].Max)}
		if l == (Limit{}) {
			return nil, Invalid("limit_invalid", slot, "slot %s has neither min nor max", slot)
		}
		if err := checkLimit(slot, l); err != nil {
			return nil, err
		}
		normal[slot] = l
	}
	return normal, nil
}

func checkLimit(slot string, l Limit) error {
	var low, high *big.Rat
	var err error
	if l.Min != "" {
		if low, err = parseQuantity(slot, l.Min); err != nil {
			return Invalid("limit_invalid", slot+".min", "%s", MessageOf(err))
		}
	}
	if l.Max != "" {
		if high, err = parseQuantity(slot, l.Max); err != nil {
			return Invalid("limit_invalid", slot+".max", "%s", MessageOf(err))
		}
	}
	if low != nil && high != nil && low.Cmp(high) > 0 {
		return Invalid("limit_invalid", slot, "the min of slot %s, %s, is above its max, %s", slot, l.Min, l.Max)
	}
	return nil
}

// CompareQuantity compares two quantities of a slot as numbers: -1, 0 or 1 as a
// is less than, equal to or greater than b. In slot mem (or memory) "1g" equals
// "1024m"; elsewhere "10" is greater than "2". Errors are invalid with reason
// limit_invalid.
func CompareQuantity(slot, a, b string) (int, error) {
	slot, err := slotName(slot)
	if err != nil {
		return 0, err
	}
	x, err := parseQuantity(slot, a)
	if err != nil {
		return 0, err
	}
	y, err := parseQuantity(slot, b)
	if err != nil {
		return 0, err
	}
	return x.Cmp(y), nil
}

var (
	// cpu, cuda.device, cuda.device:1g.5gb-mig: words joined by one of . : _ -
	slotForm    = regexp.MustCompile(`^[a-z][a-z0-9]*(?:[._:-][a-z0-9]+)*$`)
	decimalForm = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)?$`)
)

// slotName checks the name of a slot and gives memory its stored name.
func slotName(s string) (string, error) {
	if len(s) > 64 || !slotForm.MatchString(s) {
		return "", Invalid("limit_invalid", nameOr(s, "slot"),
			"%s is not a resource slot: lowercase words joined by '.', ':', '_' or '-', at most 64 characters", Quote(s))
	}
	if s == "memory" {
		return SlotMem, nil
	}
	return s, nil
}

// parseQuantity reads the quantity of a slot exactly.
func parseQuantity(slot, s string) (*big.Rat, error) {
	s = strings.TrimSpace(s)
	if slot == SlotMem {
		size, err := ParseBinarySize(s)
		if err != nil {
			return nil, Invalid("limit_invalid", slot, "%s", MessageOf(err))
		}
		return new(big.Rat).SetInt64(int64(size)), nil
	}
	if len(s) <= 64 && decimalForm.MatchString(s) {
		if n, ok := new(big.Rat).SetString(s); ok {
			return n, nil
		}
	}
	return nil, Invalid("limit_invalid", slot, "%s is not a quantity of slot %s: a decimal number that is not negative", Quote(s), slot)
}
