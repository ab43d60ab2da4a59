package cli

import (
	"fmt"
	"log/slog"
	"strings"

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
