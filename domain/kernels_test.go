package domain_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// kernel is one published image definition of tests/kernels/kernels.json.
type kernel struct {
	Repository string            `json:"repository"`
	Tag        string            `json:"tag"`
	Labels     map[string]string `json:"labels"`
}

func readKernels(tb testing.TB) []kernel {
	tb.Helper()
	data, err := os.ReadFile("../tests/kernels/kernels.json")
	require.NoError(tb, err)
	var kernels []kernel
	require.NoError(tb, json.Unmarshal(data, &kernels))
	return kernels
}

func TestPublishedImagesHaveReadableLabels(t *testing.T) {
	var minima int
	accelerators := map[string]int{}
	problems := map[string]int{}
	kernels := readKernels(t)
	for _, k := range kernels {
		limits, bad := domain.LabelLimits(k.Labels)
		require.Contains(t, limits, domain.SlotCPU)
		require.Contains(t, limits, domain.SlotMem)
		minima += len(bad)
		list := domain.Accelerators(k.Labels)
		key := strings.Join(list, ",")
		if list == nil {
			key = "any"
		}
		accelerators[key]++
		require.True(t, slices.IsSorted(list))
		for _, err := range domain.CheckLabels(k.Labels) {
			requireInvalid(t, err, "label_invalid")
			problems[k.Repository+":"+k.Tag+" "+domain.OnOf(err)]++
		}
	}
	require.Len(t, kernels, 409)
	require.Zero(t, minima, "unusable resource.min labels")
	require.Equal(t, map[string]int{"cuda": 293, "any": 116}, accelerators)
	require.Equal(t, map[string]int{
		"backendai:sftp-ubuntu22.04 ai.backend.service-ports":   1, // port 22
		"vendor-ngc-h2o:1.0 ai.backend.service-ports":           1, // port 88888
		"vendor-ngc-triton:22.08-py3 ai.backend.endpoint-ports": 1, // absent from an INFERENCE image
		"vendor-ngc-triton:22.08-py3 ai.backend.model-format":   1, // absent as well
	}, problems)
}

func TestPublishedImageNamesParse(t *testing.T) {
	illegal := map[string]string{
		"mlperf:1.1-py36-cuda10~":            "tag_invalid",
		"python-cntk:-debian":                "tag_invalid",
		"python-cntk:-ubuntu":                "tag_invalid",
		"vendor-benchmark:19.05-py3-minigo~": "tag_invalid",
		"vendor-spectraVis:latest":           "reference_invalid", // uppercase in the path
	}
	parsed, refused := 0, 0
	p := domain.ReferenceParser{DefaultRegistry: "index.docker.io", DefaultProject: "lablup"}
	for _, k := range readKernels(t) {
		name := k.Repository + ":" + k.Tag
		r, err := p.Parse(name)
		if reason, listed := illegal[name]; listed {
			requireInvalid(t, err, reason)
			refused++
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, "index.docker.io/lablup/"+name, r.Canonical())
		requireRoundTrip(t, r)
		parsed++
	}
	require.Equal(t, [2]int{404, 5}, [2]int{parsed, refused})
}
