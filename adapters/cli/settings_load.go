package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// The layers of settings, each above the ones before.
const (
	fromFile = iota
	fromEnv
	fromFlags
	layerCount
)

// load reads the settings from file, environment and flags.
func (p *program) load(cmd *cobra.Command) error {
	for i := range p.layers {
		p.layers[i] = koanf.New(".")
	}
	if err := p.loadFile(p.layers[fromFile], cmd); err != nil {
		return err
	}
	table := settingsTable()
	if err := p.loadEnv(p.layers[fromEnv], table); err != nil {
		return err
	}
	for _, s := range table {
		if f := cmd.Flag(s.flagName()); f != nil && f.Changed && !s.envOnly {
			if err := p.layers[fromFlags].Set(s.key, f.Value.String()); err != nil {
				return domain.Internal("settings", err)
			}
		}
	}
	for _, s := range table {
		for _, layer := range slices.Backward(p.layers[:]) {
			if layer.Exists(s.key) {
				if err := s.read(layer.Get(s.key), &p.settings); err != nil {
					return err
				}
				break
			}
		}
	}
	return p.settled()
}

func (p *program) loadEnv(k *koanf.Koanf, table []setting) error {
	byEnv := map[string]string{}
	for _, s := range table {
		byEnv[s.env] = s.key
	}
	err := k.Load(env.Provider("", env.Opt{
		EnvironFunc: func() []string { return p.Env },
		TransformFunc: func(name, v string) (string, any) {
			if v == "" { // empty is as good as unset
				return "", nil
			}
			if name == "NO_COLOR" { // its presence counts, whatever it holds: no-color.org
				v = "true"
			}
			return byEnv[name], v
		},
	}), nil)
	for _, s := range table {
		if v := p.getenv(s.also); s.also != "" && v != "" && !k.Exists(s.key) && err == nil {
			err = k.Set(s.key, v)
		}
	}
	if err != nil {
		return domain.Internal("settings", err)
	}
	return nil
}

// read stores what a layer has for the setting. Errors: invalid.
func (s setting) read(raw any, into *Settings) error {
	switch raw.(type) {
	case string, bool, int, int64, float64:
	default:
		return domain.Invalid("setting_invalid", s.key, "setting %s: not a plain value", s.key)
	}
	if err := s.set(into, fmt.Sprint(raw)); err != nil {
		return domain.Invalid("setting_invalid", s.key, "setting %s: %s", s.key, domain.MessageOf(err))
	}
	return nil
}

// loadFile reads the file that a flag or the environment names, or the default
// one if it is there. What it may hold is the table and nothing else: a
// misspelled key would silently mean the default.
func (p *program) loadFile(k *koanf.Koanf, cmd *cobra.Command) error {
	path, named := p.configPath(cmd)
	if path == "" {
		return nil
	}
	err := k.Load(file.Provider(path), yaml.Parser())
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return domain.Invalid("config_invalid", path, "there is no file %s", path)
	case err != nil:
		return domain.Invalid("config_invalid", path, "the settings in %s cannot be read: %s", path, err)
	}
	table := settingsTable()
	for _, key := range k.Keys() {
		i := slices.IndexFunc(table, func(s setting) bool { return s.key == key })
		if i < 0 {
			return domain.Invalid("setting_unknown", key, "%s: there is no setting %s", path, domain.Quote(key))
		}
		if table[i].envOnly {
			return domain.Invalid("setting_unknown", key, "%s: %s is taken from the environment only (%s)", path, key, table[i].env)
		}
	}
	return nil
}

func (p *program) configPath(cmd *cobra.Command) (path string, named bool) {
	if f := cmd.Flag("config"); f != nil && f.Changed {
		return f.Value.String(), true
	}
	if path := p.getenv(configEnv); path != "" {
		return path, true
	}
	dir := p.configDir()
	if dir == "" {
		return "", false
	}
	return filepath.Join(dir, "config.yaml"), false
}

// configDir is where the program's files of settings are, "" where there is no
// place for them.
func (p *program) configDir() string {
	dir := p.getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := p.getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "wharf")
}

// settled builds what follows from the settings.
func (p *program) settled() error {
	level, err := logLevel(p.settings.LogLevel)
	if err != nil {
		return err
	}
	p.settings.Logger = slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: level}))
	p.out.color = p.Terminal.Out && !p.settings.NoColor && p.getenv("TERM") != "dumb"
	return nil
}

func logLevel(s string) (slog.Level, error) {
	level := slog.LevelError
	if s == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(s)); err != nil {
		return level, domain.Invalid("setting_invalid", "log_level", "a log level is debug, info, warn or error, not %s", domain.Quote(s))
	}
	return level, nil
}

// getenv returns the last value of a variable, as the system does.
func (p *program) getenv(name string) string {
	v := ""
	for _, e := range p.Env {
		if n, value, ok := strings.Cut(e, "="); ok && n == name {
			v = value
		}
	}
	return v
}
