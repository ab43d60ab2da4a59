package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// apt is a view of this machine's package sources in which nothing is installed. It needs no root and takes no lock of
// the system's apt.
type apt struct {
	dir     string
	options []string
}

// newApt fetches the package lists.
func newApt(ctx context.Context, dir string) (*apt, error) {
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("this recipe needs Debian's packages: %w", err)
		}
	}
	a := &apt{dir: filepath.Join(dir, "apt")}
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(a.dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	status := filepath.Join(a.dir, "status") // of dpkg: what is installed
	if err := os.WriteFile(status, nil, 0o644); err != nil {
		return nil, err
	}
	for key, value := range map[string]string{
		"Dir::State":         a.dir,
		"Dir::State::lists":  filepath.Join(a.dir, "lists"),
		"Dir::State::status": status,
		"Dir::Cache":         filepath.Join(a.dir, "cache"),
		"APT::Sandbox::User": "root", // the usual _apt may not look into a private temporary folder
		"Acquire::Languages": "none",
		"Acquire::Retries":   "3",
		"Acquire::PDiffs":    "false",
	} {
		a.options = append(a.options, "-o", key+"="+value)
	}
	_, err := a.get(ctx, "update")
	return a, err
}

func (a *apt) get(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "apt-get", append(append([]string{"-q"}, a.options...), args...)...)
	cmd.Dir = filepath.Join(a.dir, "debs") // where "download" puts its files
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out[max(0, len(out)-2000):])
	}
	return string(out), nil
}

var installLine = regexp.MustCompile(`(?m)^Inst (\S+) `)

// download fetches packages and all that they depend on, as far as keep says so, and returns the files.
func (a *apt) download(ctx context.Context, keep func(name string) bool, roots ...string) ([]string, error) {
	plan, err := a.get(ctx, append([]string{"install", "--simulate", "--no-install-recommends"}, roots...)...)
	if err != nil {
		return nil, err
	}
	args := []string{"download"}
	for _, match := range installLine.FindAllStringSubmatch(plan, -1) {
		if keep(match[1]) {
			args = append(args, match[1])
		}
	}
	if len(args) == 1 {
		return nil, errors.New("apt-get plans to install nothing")
	}
	if _, err := a.get(ctx, args...); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(a.dir, "debs", "*.deb"))
}

// library reports whether a package is a shared library that programs of interest load. The dependencies of a package
// also serve its scripts, which do not run here, and LLVM alone would double an image.
func library(name string) bool {
	for _, not := range []string{"libllvm", "libz3-", "libperl", "libdb5", "libgdbm"} {
		if strings.HasPrefix(name, not) {
			return false
		}
	}
	return (strings.HasPrefix(name, "lib") && !strings.HasSuffix(name, "-perl")) || name == "zlib1g"
}

// needless reports files that no program reads.
func needless(name string) bool {
	for _, prefix := range []string{
		"usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/info/", "usr/share/lintian/", "usr/share/bug/",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// Just-in-time compilation wants LLVM, and is left out without a word when its library is missing.
	return strings.Contains(name, "llvmjit") || strings.Contains(name, "/lib/bitcode/")
}

// debianRootFS makes a root file system of programs and the libraries they need.
func debianRootFS(
	ctx context.Context, dir string, progress Progress, programs func(name string) bool, roots ...string,
) (*rootFS, error) {
	progress("fetching Debian packages: %s", strings.Join(roots, " "))
	a, err := newApt(ctx, dir)
	if err != nil {
		return nil, err
	}
	debs, err := a.download(ctx, func(name string) bool { return library(name) || programs(name) }, roots...)
	if err != nil {
		return nil, err
	}
	progress("unpacking %d packages", len(debs))
	fs, err := newRootFS(dir)
	if err != nil {
		return nil, err
	}
	for _, deb := range debs {
		if err := fs.debian(ctx, deb, needless); err != nil {
			return nil, err
		}
	}
	return fs, nil
}
