package domain_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wharf-project/wharf/domain"
)

func TestEverySpellingOfAnArchitectureHasOneName(t *testing.T) {
	for want, spellings := range map[string][]string{
		"x86_64":      {"amd64", "AMD64", "x64", "x86_64", "X86_64", "x86-64", "linux/amd64", "amd64/v1", "linux/x86_64/V1"},
		"x86_64/v3":   {"amd64/v3", "linux/amd64/v3", "x86_64/v3"},
		"aarch64":     {"arm64", "aarch64", "ARM64", "arm64/v8", "arm64/8", "linux/arm64/v8", "aarch64/v8"},
		"aarch64/v9":  {"arm64/v9"},
		"x86":         {"386", "i386", "i586", "i686", "x32", "x86", "linux/386"},
		"arm/v7":      {"arm", "ARM", "arm/v7", "arm/7", "armhf", "armv7l", "linux/arm/v7", "linux/arm"},
		"arm/v6":      {"arm/v6", "arm/6", "armel", "armv6l"},
		"arm/v5":      {"arm/v5", "arm/5"},
		"loongarch64": {"loong64", "loongarch64"},
		"ppc64le":     {"ppc64le", "PPC64LE", "linux/ppc64le"},
		"riscv64":     {"riscv64"},
		// Not known here, but well formed.
		"s390x":            {"s390x", "linux/s390x"},
		"riscv64/rva23u64": {"riscv64/rva23u64"},
		"ppc64le/power9":   {"ppc64le/power9"},
		"unknown":          {"unknown"},
	} {
		for _, spelling := range spellings {
			t.Run(spelling+" is "+want, func(t *testing.T) {
				got, err := domain.NormalizeArchitecture(spelling)
				require.NoError(t, err)
				require.Equal(t, want, got)
			})
		}
	}
}

func TestNormalizeArchitectureRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                         "",
		"only the operating system":       "linux",
		"the operating system twice":      "linux/linux/v7",
		"another operating system":        "windows/amd64",
		"an empty variant":                "amd64/",
		"an empty name":                   "/v7",
		"a variant of no known form":      "amd64/fast",
		"too many parts":                  "linux/arm/v7/x",
		"white space":                     "amd64 ",
		"a control character":             "amd64\x00",
		"a letter that folds to ASCII":    "\u212a86",
		"65 characters":                   strings.Repeat("a", 65),
		"a name that grows beyond 64":     "arm64/v" + strings.Repeat("9", 57),
		"a name with a hyphen beyond x86": "sparc-v9",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := domain.NormalizeArchitecture(text)
			requireInvalid(t, err, "architecture_invalid")
		})
	}
}

func TestOCIPlatformGivesGoNames(t *testing.T) {
	for arch, want := range map[string][2]string{
		"x86_64":      {"amd64", ""},
		"amd64":       {"amd64", ""},
		"x86_64/v2":   {"amd64", "v2"},
		"aarch64":     {"arm64", ""},
		"x86":         {"386", ""},
		"arm/v7":      {"arm", "v7"},
		"arm":         {"arm", "v7"},
		"loongarch64": {"loong64", ""},
		"s390x":       {"s390x", ""},
		"":            {"", ""},
		"not an arch": {"", ""},
	} {
		architecture, variant := domain.OCIPlatform(arch)
		require.Equal(t, want, [2]string{architecture, variant}, arch)
	}
}

func TestArchitectureOfNeverFails(t *testing.T) {
	for want, platform := range map[string][2]string{
		"x86_64":    {"amd64", ""},
		"x86_64/v4": {"amd64", "v4"},
		"aarch64":   {"arm64", "v8"},
		"arm/v6":    {"arm", "v6"},
		"arm/v7":    {"arm", ""},
		"unknown":   {"unknown", ""},
	} {
		require.Equal(t, want, domain.ArchitectureOf(platform[0], platform[1]))
	}
	for _, platform := range [][2]string{{"", ""}, {"", "v7"}, {"arm/v7", ""}, {"amd64", "so fast"}, {"a b", ""}} {
		require.Empty(t, domain.ArchitectureOf(platform[0], platform[1]), platform)
	}
}

func TestHostArchitectureIsTheOneThatGoReports(t *testing.T) {
	architecture, _ := domain.OCIPlatform(domain.HostArchitecture())
	require.Equal(t, runtime.GOARCH, architecture)
}

func TestArchitecturesSurviveTranslationToOCIAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`(linux/)?[a-zA-Z0-9_]{1,12}(/v[0-9a-z.]{1,4})?`),
			rapid.SampledFrom([]string{"amd64", "arm64/v8", "arm", "armhf", "arm/6", "i686", "x86-64", "riscv64/rva20u64"}),
		).Draw(t, "arch")
		normal, err := domain.NormalizeArchitecture(text)
		if err != nil {
			return
		}
		again, err := domain.NormalizeArchitecture(normal)
		require.NoError(t, err)
		require.Equal(t, normal, again)
		require.Equal(t, normal, domain.ArchitectureOf(domain.OCIPlatform(normal)))
	})
}
