package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"github.com/knadh/koanf/parsers/yaml"

	"github.com/wharf-project/wharf/domain"
)

// contexts is the file of servers that have names.
type contexts struct {
	Current  string                  `json:"current,omitempty"`
	Contexts map[string]contextEntry `json:"contexts,omitempty"`
}

// contextEntry is one of them, as the file has it: the token is no
// domain.Secret, which would not be written.
type contextEntry struct {
	Server    string `json:"server"`
	Token     string `json:"token,omitempty"`
	TokenFile string `json:"token_file,omitempty"`
	CA        string `json:"server_ca,omitempty"`
	Cert      string `json:"server_cert,omitempty"`
	Key       string `json:"server_key,omitempty"`
	Insecure  bool   `json:"server_insecure,omitempty"`
}

var contextForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// contextsFile is where contexts are. Errors: precondition where there is no
// place for it.
func (p *program) contextsFile() (string, error) {
	dir := p.configDir()
	if dir == "" {
		return "", domain.Errorf(domain.CodePrecondition, "no_config_dir", "", "there is no place for contexts: set XDG_CONFIG_HOME or HOME")
	}
	return filepath.Join(dir, "contexts.yaml"), nil
}

// readContexts reads the file; none is an empty one. Errors: invalid, with
// nothing of what is in the file.
func readContexts(path string) (c contexts, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	bad := func(why string, err error) (contexts, error) {
		return contexts{}, &domain.Error{Code: domain.CodeInvalid, Reason: "contexts_invalid", On: path, Message: path + " " + why, Err: err}
	}
	if err != nil {
		return bad("cannot be read: "+why(err).Error(), err)
	}
	tree, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return bad("is no YAML", nil) // the error would repeat lines of it
	}
	doc, err := json.Marshal(tree)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(doc))
		d.DisallowUnknownFields()
		err = d.Decode(&c)
	}
	if err != nil {
		return bad("holds something that contexts do not have", nil)
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" {
		switch mode := info.Mode().Perm(); {
		case mode&0o022 != 0: // they could say where tokens go
			return bad("can be changed by others: chmod 600 "+path, nil)
		case mode&0o044 != 0 && c.secret():
			return bad("holds tokens and can be read by others: chmod 600 "+path, nil)
		}
	}
	return c, nil
}

func (c contexts) secret() bool {
	for _, e := range c.Contexts {
		if e.Token != "" {
			return true
		}
	}
	return false
}

func (c contexts) get(name string) (contextEntry, error) {
	e, ok := c.Contexts[name]
	if !ok {
		return e, domain.NotFound("context", name)
	}
	return e, nil
}

func (c contexts) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

// changeContexts reads the file, lets change have it, and writes it back if that
// gave no error. It is written whole, and readable by its owner only.
func changeContexts(path string, change func(*contexts) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unwritten(path, err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // a link to the file stays one
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return unwritten(path, err)
	}
	defer unlock()
	c, err := readContexts(path)
	if err != nil {
		return err
	}
	if c.Contexts == nil {
		c.Contexts = map[string]contextEntry{}
	}
	if err := change(&c); err != nil {
		return err
	}
	return unwritten(path, writeContexts(path, c))
}

func writeContexts(path string, c contexts) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := json.Unmarshal(doc, &tree); err != nil {
		return err
	}
	b, err := yaml.Parser().Marshal(tree)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".contexts-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func unwritten(path string, err error) error {
	if err == nil {
		return nil
	}
	return &domain.Error{Code: domain.CodeInvalid, Reason: "contexts_unwritable", On: path, Message: path + " cannot be written: " + why(err).Error(), Err: err}
}

// chosenContext is what the context sets that is asked for, nothing for none:
// the one that the layer names or, of the file, the one in use.
func (p *program) chosenContext(layer int) (source, error) {
	name := p.layers[layer].String(keyContext)
	path, err := p.contextsFile()
	if err != nil {
		if name == "" {
			return nil, nil
		}
		return nil, err
	}
	c, err := readContexts(path)
	if err != nil {
		return nil, err
	}
	if layer == fromFile && c.Current != "" {
		name = c.Current
	}
	if name == "" {
		return nil, nil
	}
	e, err := c.get(name)
	if err != nil {
		return nil, err
	}
	p.settings.Context = name
	s := source{"server": e.Server}
	for key, v := range map[string]string{"token": e.Token, "token_file": e.TokenFile, "server_ca": e.CA, "server_cert": e.Cert, "server_key": e.Key} {
		if v != "" {
			s[key] = v
		}
	}
	s["server_insecure"] = e.Insecure
	return s, nil
}
