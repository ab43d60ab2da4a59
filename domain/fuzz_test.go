package domain_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/domain"
)

// Whatever a parser takes, its canonical form reads back as the same reference.
func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{
		"python", "a:!", "cr.io:5000/p/img:3.9@" + sha256Text, "[::1]:5000/x", "//x", "::1/python:3.6", "docker.io/x", "a@sha512:0", "A.io/\u212a",
	} {
		f.Add(seed, 0)
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, text string, rule int) {
		p := domain.ReferenceParser{Hosts: domain.HostRule(rule), Registries: []string{"cr.io", text}}
		r, err := p.Parse(text)
		if err != nil {
			require.ErrorIs(t, err, domain.ErrInvalid)
			require.Zero(t, r)
			return
		}
		requireRoundTrip(t, r)
		require.NoError(t, domain.ValidateRegistryHost(r.Registry))
		require.NoError(t, domain.ValidateRepositoryPath(r.Path))
		require.True(t, r.Tag != "" || r.Digest != "")
	})
}

func FuzzParseDigest(f *testing.F) {
	for _, seed := range []string{sha256Text, sha512Text, "", "sha256:", "a+b:c", "md5:00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := domain.ParseDigest(text)
		if err != nil {
			requireInvalid(t, err, "digest_invalid")
			return
		}
		require.Equal(t, text, d.Algorithm()+":"+d.Hex())
	})
}

func FuzzNormalizeArchitecture(f *testing.F) {
	for _, seed := range []string{"amd64", "linux/arm/v7", "arm64/8", "x86-64", "linux/linux/v7", "riscv64/rva23u64", "", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		normal, err := domain.NormalizeArchitecture(text)
		if err != nil {
			requireInvalid(t, err, "architecture_invalid")
			return
		}
		again, err := domain.NormalizeArchitecture(normal)
		require.NoError(t, err)
		require.Equal(t, normal, again)
		require.Equal(t, normal, domain.ArchitectureOf(domain.OCIPlatform(normal)))
	})
}

func FuzzParseBinarySize(f *testing.F) {
	for _, seed := range []string{"1 byte", "1.1k", "11_021_204", "124.32 KiB", "inf", "-1", "8e", "0.000", "1z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := domain.ParseBinarySize(text)
		if err != nil {
			requireInvalid(t, err, "size_invalid")
			return
		}
		require.GreaterOrEqual(t, size, domain.BinarySize(0))
		require.NotEmpty(t, size.String())
		if size < 1<<62 { // above, rounding may print the refused 8 EiB
			_, err = domain.ParseBinarySize(size.String())
			require.NoError(t, err)
		}
	})
}

// What is accepted once is stored, and must stay acceptable; the merge must take
// anything.
func FuzzLimits(f *testing.F) {
	for _, seed := range []string{`{"cpu":"8","memory":"32G","gpu":2}`, `{"mem":{"min":"1g","max":512}}`, `{"cpu":null}`, `{"":{}}`, `{"cpu":"-1"}`, `[]`} {
		f.Add([]byte(seed), "1", "1g")
	}
	f.Fuzz(func(t *testing.T, data []byte, cpu, mem string) {
		_ = new(domain.Limit).UnmarshalJSON(data)
		var limits domain.Limits
		if json.Unmarshal(data, &limits) != nil {
			return
		}
		labels := minLabels("cpu", cpu, "mem", mem)
		merged := domain.ResourceLimits(labels, limits)
		require.GreaterOrEqual(t, len(merged), 2)
		once, err := domain.NormalizeLimits(limits)
		if err != nil {
			requireInvalid(t, err, "limit_invalid")
			return
		}
		require.Equal(t, merged, domain.ResourceLimits(labels, once))
		stored, err := json.Marshal(once)
		require.NoError(t, err)
		var loaded domain.Limits
		require.NoError(t, json.Unmarshal(stored, &loaded))
		twice, err := domain.NormalizeLimits(loaded)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

func FuzzParseServicePorts(f *testing.F) {
	for _, seed := range []string{"", "a:http:8080", "a:pty:1,b:preopen:[8000, 8001]", "a:tcp:[", "x:rdp:65535", ",,", "]a:b:["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		services, err := domain.ParseServicePorts(text)
		if err != nil {
			requireInvalid(t, err, "label_invalid")
			return
		}
		seen := map[int]bool{}
		for _, s := range services {
			require.NotEmpty(t, s.Name)
			require.NotEmpty(t, s.Ports)
			for _, port := range s.Ports {
				require.True(t, port > 1024 && port < 65535 && !seen[port], "port %d", port)
				seen[port] = true
			}
		}
	})
}

// Labels are foreign text: nothing that reads them may panic.
func FuzzLabels(f *testing.F) {
	f.Add(domain.LabelRole, "INFERENCE", domain.LabelEndpointPorts, "x")
	f.Add(domain.LabelCustomizedOwner, "user", domain.LabelTitle, "a\xff")
	f.Add(domain.LabelResourceMinPrefix, "", domain.LabelResourceMaxPrefix+"cuda.device", "1")
	f.Add(domain.LabelServicePorts, "a:preopen:[3000", domain.LabelFeatures, "operation")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		labels := map[string]string{domain.LabelKernelSpec: "1", key1: value1, key2: value2}
		for _, err := range domain.CheckLabels(labels) {
			requireInvalid(t, err, "label_invalid")
		}
		accelerators := domain.Accelerators(labels)
		require.True(t, slices.IsSorted(accelerators))
		domain.ResourceLimits(labels, nil)
		domain.Features(labels)
		domain.RoleOf(labels)
		if domain.OwnerOf(labels) != "" {
			require.True(t, domain.IsCustomized(labels))
		}
		domain.HumanizedName(key1, value2, labels)
	})
}
