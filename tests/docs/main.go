package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// run rewrites README.md of the module that the working directory is in.
func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	path := filepath.Join(root, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	embed, err := example(filepath.Join(root, "service", "example_test.go"), "ExampleNew")
	if err != nil {
		return err
	}
	table, err := actionsTable()
	if err != nil {
		return err
	}
	for name, part := range map[string]string{"actions": table, "embed": embed, "codes": codes(), "rates": rates()} {
		if text, err = replace(text, name, part); err != nil {
			return err
		}
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // a README is for everybody
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not inside the module")
		}
		dir = parent
	}
}

// replace puts part between the markers of its name.
func replace(text []byte, name, part string) ([]byte, error) {
	begin, end := []byte("<!-- generated: "+name+" -->\n"), []byte("<!-- end: "+name+" -->")
	i, j := bytes.Index(text, begin), bytes.Index(text, end)
	if i < 0 || j < i {
		return nil, fmt.Errorf("README.md has no markers for %s", name)
	}
	return slices.Concat(text[:i+len(begin)], []byte(part), text[j:]), nil
}

// actionsTable lists the catalogue with who may do what by default.
func actionsTable() (string, error) {
	az, err := rbac.Default(service.Permissions())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| method | name | what it does | effect | user | admin | monitor |\n|---|---|---|---|---|---|---|\n")
	for _, e := range service.Catalogue() {
		name := e.Spec.Name
		if e.Spec.Class != "" {
			name += " ⏳"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |", e.Method, name, e.Spec.Summary, e.Spec.Effect)
		for _, role := range []domain.Role{domain.RoleUser, domain.RoleAdmin, domain.RoleMonitor} {
			d, err := az.Explain(context.Background(), domain.Actor{ID: "x", Role: role, Domain: "d"}, e.Spec.Requires())
			if err != nil {
				return "", err
			}
			reach := d.Grant.Reach.String()
			if d.Grant.Reach == domain.ReachNone {
				reach = "–"
			}
			fmt.Fprintf(&b, " %s |", reach)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

// example returns the body of an example as a Go code block.
func example(path, name string) (string, error) {
	fset := token.NewFileSet()
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	file, err := parser.ParseFile(fset, path, src, parser.ParseComments)
	if err != nil {
		return "", err
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != name {
			continue
		}
		body := string(src[fset.Position(f.Body.Lbrace).Offset+1 : fset.Position(f.Body.Rbrace).Offset])
		body, _, _ = strings.Cut(body, "// Output:")
		var lines []string
		for line := range strings.Lines(strings.Trim(body, "\n")) {
			lines = append(lines, strings.TrimPrefix(line, "\t"))
		}
		return "```go\n" + strings.TrimSpace(strings.Join(lines, "")) + "\n```\n", nil
	}
	return "", fmt.Errorf("%s: no %s", path, name)
}

// codes lists the error codes with the text that users see when an error has
// none of its own.
func codes() string {
	var b strings.Builder
	b.WriteString("| code | says |\n|---|---|\n")
	for _, c := range domain.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", c, domain.MessageOf(&domain.Error{Code: c}))
	}
	return b.String()
}

// rates lists the default rate limits.
func rates() string {
	var b strings.Builder
	b.WriteString("| class | calls per second and actor | at once |\n|---|---|---|\n")
	all := service.DefaultRates()
	for _, class := range []string{"read", "write", "agent", "registry"} {
		fmt.Fprintf(&b, "| %s | %g | %d |\n", class, all[class].PerSecond, all[class].Burst)
	}
	return b.String()
}
