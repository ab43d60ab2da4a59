package kernels

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/wharf-project/wharf/domain"
)

//go:embed kernels.json
var published []byte

// Kernel is one published image definition.
type Kernel struct {
	Repository string            `json:"repository"`
	Tag        string            `json:"tag"`
	Base       string            `json:"base"`
	Labels     map[string]string `json:"labels"`
}

// Published returns every definition, as published, in the order of the data.
func Published() []Kernel {
	var all []Kernel
	if err := json.Unmarshal(published, &all); err != nil {
		panic(fmt.Sprintf("kernels.json: %v", err)) // it is compiled in
	}
	return all
}

// Legal returns the definitions whose names a registry takes, each name once.
func Legal() []Kernel {
	var legal []Kernel
	seen := map[string]bool{}
	for _, k := range Published() {
		name := k.Repository + ":" + k.Tag
		if seen[name] || domain.ValidateTag(k.Tag) != nil || domain.ValidateRepositoryPath(k.Repository) != nil {
			continue
		}
		seen[name] = true
		legal = append(legal, k)
	}
	return legal
}
