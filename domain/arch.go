package domain

import (
	"cmp"
	"regexp"
	"runtime"
	"strings"
)

// Architectures are named here as the kernel names them (uname -m), with the
// variant after a slash: x86_64, aarch64, x86, arm/v7. OCI documents use Go's
// names instead (amd64, arm64, 386, arm with variant v7). [NormalizeArchitecture]
// reads both, [OCIPlatform] and [ArchitectureOf] translate.

const maxArchitecture = 64

// architectureAliases maps every known spelling, in lowercase, to ours. Spellings
// that imply a variant carry it.
var architectureAliases = map[string]string{
	"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64",
	"arm64": "aarch64",
	"386":   "x86", "i386": "x86", "i586": "x86", "i686": "x86", "x32": "x86",
	"armhf": "arm/v7", "armv7": "arm/v7", "armv7l": "arm/v7",
	"armel": "arm/v6", "armv6": "arm/v6", "armv6l": "arm/v6",
	"loong64": "loongarch64",
}

// ociArchitectures maps our names to Go's, where they differ.
var ociArchitectures = map[string]string{
	"x86_64": "amd64", "aarch64": "arm64", "x86": "386", "loongarch64": "loong64",
}

var (
	architectureForm = regexp.MustCompile(`^[a-z0-9_]+$`)
	// v8.1, and the two families of the image specification that do not start with v.
	variantForm = regexp.MustCompile(`^(?:v[0-9a-z.]+|rva[0-9]+[su]64|power[0-9]+)$`)
)

// NormalizeArchitecture returns the one name of the architecture s, whatever its
// case: amd64, x64 and linux/amd64 give x86_64; arm64 and arm64/v8 give aarch64.
//
// Default variants fold as in containerd's platform rules: amd64/v1 is x86_64,
// arm64/v8 is aarch64, and plain arm is arm/v7. An unknown name is kept in
// lowercase when it is well formed: letters, digits and '_', an optional variant
// such as /v2, at most 64 characters. Anything else is invalid with reason
// architecture_invalid. Normalising twice changes nothing.
func NormalizeArchitecture(s string) (string, error) {
	bad := func(why string) (string, error) {
		return "", Invalid("architecture_invalid", nameOr(s, "architecture"), "%s is not an architecture: %s", Quote(s), why)
	}
	switch {
	case s == "":
		return bad("it is empty")
	case len(s) > maxArchitecture:
		return bad("it is longer than 64 characters")
	case !isASCII(s):
		return bad("only ASCII is allowed")
	}
	name, variant, hasVariant := strings.Cut(strings.TrimPrefix(strings.ToLower(s), "linux/"), "/")
	if alias, known := architectureAliases[name]; known {
		var implied string
		if name, implied, _ = strings.Cut(alias, "/"); !hasVariant {
			variant, hasVariant = implied, implied != ""
		}
	}
	// "linux" is an operating system. As a name it would lose itself to the prefix rule.
	if !architectureForm.MatchString(name) || name == "linux" {
		return bad("the name consists of letters, digits and '_'")
	}
	if (name == "arm" || name == "aarch64") && variant != "" && variant[0] >= '0' && variant[0] <= '9' {
		variant = "v" + variant // some builders write "8" for "v8"
	}
	if hasVariant && !variantForm.MatchString(variant) {
		return bad("the variant has no known form, such as v7")
	}
	normal := withVariant(name, variant)
	if len(normal) > maxArchitecture { // an alias can be shorter than its name
		return bad("it is longer than 64 characters")
	}
	return normal, nil
}

// withVariant joins name and variant, folding the variant that the name implies.
func withVariant(name, variant string) string {
	switch {
	case name == "x86_64" && variant == "v1", name == "aarch64" && variant == "v8":
		variant = ""
	case name == "arm" && variant == "":
		variant = "v7"
	}
	return JoinPath(name, variant)
}

// OCIPlatform returns the architecture and variant of an OCI platform for arch,
// in any spelling that [NormalizeArchitecture] reads: x86_64 gives amd64 and "",
// arm/v7 gives arm and v7. Both are empty when arch is not an architecture.
func OCIPlatform(arch string) (architecture, variant string) {
	normal, err := NormalizeArchitecture(arch)
	if err != nil {
		return "", ""
	}
	architecture, variant, _ = strings.Cut(normal, "/")
	return cmp.Or(ociArchitectures[architecture], architecture), variant
}

// ArchitectureOf returns our name for the architecture and variant of an OCI
// platform or image configuration: amd64 gives x86_64, arm with v6 gives arm/v6.
// It returns "" when they name nothing, so that one odd entry of an index can be
// passed over.
func ArchitectureOf(ociArch, variant string) string {
	if ociArch == "" || strings.Contains(ociArch, "/") { // the latter is a whole platform
		return ""
	}
	arch, err := NormalizeArchitecture(JoinPath(ociArch, variant))
	if err != nil {
		return ""
	}
	return arch
}

// HostArchitecture returns our name for the architecture that this program runs on.
func HostArchitecture() string { return ArchitectureOf(runtime.GOARCH, "") }
