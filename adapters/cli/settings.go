package cli

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/pflag"

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
	Clusters            domain.Clusters // what image: URIs name

	// BuildSources and BuildAgent are where images are built from, and where.
	BuildSources, BuildAgent string

	// Server is what the commands talk to, Context where its settings were taken
	// from if a flag or the environment named one.
	Server  Server
	Context string

	// NATS is how managers and the nodes that dial in find each other.
	NATS NATS

	LogLevel string
	NoColor  bool
	Quiet    bool

	serve ServeOptions // what the table has of them

	// Logger writes to standard error from LogLevel on.
	Logger *slog.Logger
}

// NATS is the server that managers and nodes meet at. The zero value is one that
// wharf serve embeds, for nodes on the same machine.
type NATS struct {
	// URL of a cluster of its own, several separated by commas; "": the embedded
	// server.
	URL string
	// Seed is the file with the NKey seed of a manager in that cluster.
	Seed string
	// Listen is where the embedded server is, host:port; "": 127.0.0.1 and a free
	// port, which the data directory keeps.
	Listen string
	// TLSCert and TLSKey are PEM files: the embedded server's own, or the client's
	// for a cluster that wants one. TLSCA signs a cluster's server; "": the
	// system's.
	TLSCert, TLSKey, TLSCA string
	// Insecure permits to speak without TLS over a network.
	Insecure bool
}

// check finds settings that contradict each other.
func (n NATS) check() error {
	switch {
	case n.URL != "" && n.Listen != "":
		return domain.Invalid("setting_invalid", "nats_listen", "nats_listen is where the embedded server is, nats_url names another one: set one of them")
	case n.URL == "" && n.Seed != "":
		return domain.Invalid("setting_invalid", "nats_seed", "nats_seed is for the cluster of nats_url, which is not set")
	}
	return nil
}

// References is how names without a registry or project, and image: URIs, are
// read.
func (s Settings) References() domain.ReferenceParser {
	return domain.ReferenceParser{DefaultRegistry: s.DefaultRegistry, DefaultProject: s.DefaultProject, Clusters: s.Clusters}
}

func (s setting) flagName() string { return strings.ReplaceAll(s.key, "_", "-") }

const configEnv = "WHARF_CONFIG"

// settingFlags adds the flags of the table that one command has, or with "" those
// that every command has.
func settingFlags(f *pflag.FlagSet, command string) {
	for _, s := range settingsTable() {
		everywhere := len(s.of) == 0
		if s.envOnly || everywhere != (command == "") || !everywhere && !slices.Contains(s.of, command) {
			continue
		}
		f.Var(&rawValue{typ: s.value, isBool: s.value == "", joined: s.many}, s.flagName(), s.doc)
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
		if len(s.of) > 0 {
			flag += "*"
		}
		fmt.Fprintf(&b, "\n  %-30s $%-27s %s\n      %s\n", flag, s.env, key, s.doc)
	}
	b.WriteString("\nFlags with * are those of " + cmdServe + ", and some of " + cmdNode + "; see their help.\n")
	b.WriteString(`
What is said of a server comes from flags, else from the environment, else from the context,
else from the file. A context that --context names counts as a flag. A server that a flag or
the environment names leaves the context out, and what is set beside one server is never used
for another: tokens and certificates are for their own. --server '' is the service in this
process, whatever else is set.

Passwords and tokens are never flags: see wharf registry create --help and wharf context add --help.
`)
	return b.String()
}
