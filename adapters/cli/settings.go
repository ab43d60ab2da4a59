package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/wharf-project/wharf/domain"
)

// Settings say which installation the commands talk to and how they talk to
// the person in front. Flags win over the environment, the environment over the
// file.
type Settings struct {
	Database string
	DataDir  string
	Keys     string

	DefaultRegistry     string
	DefaultProject      string
	DefaultArchitecture string

	LogLevel string
	NoColor  bool
	Quiet    bool

	// Logger writes to standard error from LogLevel on.
	Logger *slog.Logger
}

// References is how names without a registry or project are read.
func (s Settings) References() domain.ReferenceParser {
	return domain.ReferenceParser{DefaultRegistry: s.DefaultRegistry, DefaultProject: s.DefaultProject}
}

// setting is one row of the table of settings.
type setting struct {
	key   string // in the file; the flag is the same with dashes
	env   string
	doc   string
	value string // what it holds, for help; "" of a switch

	envOnly bool // neither a flag nor in the file
	text    func(*Settings) *string
	flag    func(*Settings) *bool
	check   func(string) error
}

// settingsTable is the one table: for flags, environment, file and help.
func settingsTable() []setting {
	return []setting{
		{key: "database", env: "WHARF_DATABASE_URL", value: "URL", doc: "postgres://… or sqlite:PATH (default wharf.db in the data directory)", text: func(s *Settings) *string { return &s.Database }},
		{key: "data_dir", env: "WHARF_DATA_DIR", value: "DIR", doc: "where the embedded database and the key file are (default $XDG_DATA_HOME/wharf)", text: func(s *Settings) *string { return &s.DataDir }},
		{key: "keys", env: "WHARF_KEYS", value: "KEYS", doc: "keys that seal registry passwords: base64, one a line, the sealing one first (default the file key in the data directory)", envOnly: true, text: func(s *Settings) *string { return &s.Keys }},
		{key: "default_registry", env: "WHARF_DEFAULT_REGISTRY", value: "HOST", doc: "registry of names that have none (default docker.io)", text: func(s *Settings) *string { return &s.DefaultRegistry }, check: domain.ValidateRegistryHost},
		{key: "default_project", env: "WHARF_DEFAULT_PROJECT", value: "PATH", doc: "project of one-word names on docker.io (default library)", text: func(s *Settings) *string { return &s.DefaultProject }, check: domain.ValidateRepositoryPath},
		{key: "default_architecture", env: "WHARF_DEFAULT_ARCHITECTURE", value: "ARCH", doc: "what is shown of an image that has several (default this machine's)", text: func(s *Settings) *string { return &s.DefaultArchitecture }, check: func(v string) error { _, err := domain.NormalizeArchitecture(v); return err }},
		{key: "log_level", env: "WHARF_LOG_LEVEL", value: "LEVEL", doc: "what is logged to standard error: debug, info, warn or error (default error)", text: func(s *Settings) *string { return &s.LogLevel }, check: func(v string) error { _, err := logLevel(v); return err }},
		{key: "no_color", env: "NO_COLOR", doc: "no colours on a terminal", flag: func(s *Settings) *bool { return &s.NoColor }},
		{key: "quiet", env: "WHARF_QUIET", doc: "no progress and no hints", flag: func(s *Settings) *bool { return &s.Quiet }},
	}
}

func (s setting) flagName() string { return strings.ReplaceAll(s.key, "_", "-") }

const configEnv = "WHARF_CONFIG"

// settingFlags adds the flags of the table to the root command.
func (p *program) settingFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.Var(&rawValue{typ: "FILE"}, "config", "file of settings (default $XDG_CONFIG_HOME/wharf/config.yaml)")
	for _, s := range settingsTable() {
		if s.envOnly {
			continue
		}
		f.Var(&rawValue{typ: s.value, isBool: s.value == ""}, s.flagName(), s.doc)
		if s.value == "" {
			f.Lookup(s.flagName()).NoOptDefVal = "true"
		}
	}
}

// load reads the settings from file, environment and flags.
func (p *program) load(cmd *cobra.Command) error {
	k := koanf.New(".")
	if err := p.loadFile(k, cmd); err != nil {
		return err
	}
	table := settingsTable()
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
	if err != nil {
		return domain.Internal("settings", err)
	}
	for _, s := range table {
		if f := cmd.Flag(s.flagName()); f != nil && f.Changed && !s.envOnly {
			if err := k.Set(s.key, f.Value.String()); err != nil {
				return domain.Internal("settings", err)
			}
		}
	}
	for _, s := range table {
		if err := s.read(k, &p.settings); err != nil {
			return err
		}
	}
	return p.settled()
}

func (s setting) read(k *koanf.Koanf, into *Settings) error {
	if !k.Exists(s.key) {
		return nil
	}
	raw := k.Get(s.key)
	v := fmt.Sprint(raw)
	switch raw.(type) {
	case string, bool, int, int64, float64:
	default:
		return domain.Invalid("setting_invalid", s.key, "setting %s: not a plain value", s.key)
	}
	if s.flag != nil {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return domain.Invalid("setting_invalid", s.key, "setting %s: true or false, not %s", s.key, domain.Quote(v))
		}
		*s.flag(into) = on
		return nil
	}
	if s.check != nil && v != "" {
		if err := s.check(v); err != nil {
			return domain.Invalid("setting_invalid", s.key, "setting %s: %s", s.key, domain.MessageOf(err))
		}
	}
	*s.text(into) = v
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
	dir := p.getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := p.getenv("HOME")
		if home == "" {
			return "", false
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "wharf", "config.yaml"), false
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

func settingsHelp() string {
	var b strings.Builder
	b.WriteString("Settings come from flags, else from the environment, else from a YAML file:\n--config FILE, else $" + configEnv +
		", else $XDG_CONFIG_HOME/wharf/config.yaml, else ~/.config/wharf/config.yaml.\nA key that the file should not hold is an error.\n")
	for _, s := range settingsTable() {
		flag, key := "--"+s.flagName(), s.key+":"
		if s.value != "" {
			flag += " " + s.value
		}
		if s.envOnly {
			flag, key = "(no flag)", "(not in the file)"
		}
		fmt.Fprintf(&b, "\n  %-30s $%-27s %s\n      %s\n", flag, s.env, key, s.doc)
	}
	b.WriteString("\nRegistry passwords are never flags: see wharf registry create --help.\n")
	return b.String()
}
