package cli

import (
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

// setting is one row of the table of settings.
type setting struct {
	key   string // in the file; the flag is the same with dashes
	env   string
	doc   string
	value string // what it holds, for help; "" of a switch

	of      []string // the commands that have the flag; nil: every one
	envOnly bool     // neither a flag nor in the file

	// One of these.
	text func(*Settings) *string
	flag func(*Settings) *bool
	keep func(*Settings) *time.Duration

	check func(string) error // of text
}

// Commands that run until they are stopped.
const (
	cmdServe = "wharf serve"
	cmdNode  = "wharf agent run"
)

// settingsTable is the one table: for flags, environment, file and help.
func settingsTable() []setting {
	return []setting{
		{key: "database", env: "WHARF_DATABASE_URL", value: "URL", doc: "postgres://… or sqlite:PATH (default wharf.db in the data directory)", text: func(s *Settings) *string { return &s.Database }},
		{key: "data_dir", env: "WHARF_DATA_DIR", value: "DIR", doc: "where the embedded database and the key file are (default $XDG_DATA_HOME/wharf)", text: func(s *Settings) *string { return &s.DataDir }},
		{key: "keys", env: "WHARF_KEYS", value: "KEYS", doc: "keys that seal registry passwords: base64, one a line, the sealing one first (default the file key in the data directory)", envOnly: true, text: func(s *Settings) *string { return &s.Keys }},
		{key: "default_registry", env: "WHARF_DEFAULT_REGISTRY", value: "HOST", doc: "registry of names that have none (default docker.io)", text: func(s *Settings) *string { return &s.DefaultRegistry }, check: domain.ValidateRegistryHost},
		{key: "default_project", env: "WHARF_DEFAULT_PROJECT", value: "PATH", doc: "project of one-word names on docker.io (default library)", text: func(s *Settings) *string { return &s.DefaultProject }, check: domain.ValidateRepositoryPath},
		{key: "default_architecture", env: "WHARF_DEFAULT_ARCHITECTURE", value: "ARCH", doc: "what is shown of an image that has several (default this machine's)", text: func(s *Settings) *string { return &s.DefaultArchitecture }, check: func(v string) error { _, err := domain.NormalizeArchitecture(v); return err }},
		{key: "log_level", env: "WHARF_LOG_LEVEL", value: "LEVEL", doc: "what is logged to standard error: debug, info, warn or error (default error; of serve and agent run info)", text: func(s *Settings) *string { return &s.LogLevel }, check: func(v string) error { _, err := logLevel(v); return err }},
		{key: "no_color", env: "NO_COLOR", doc: "no colours on a terminal", flag: func(s *Settings) *bool { return &s.NoColor }},
		{key: "quiet", env: "WHARF_QUIET", doc: "no progress and no hints", flag: func(s *Settings) *bool { return &s.Quiet }},

		{key: "nats_url", env: "WHARF_NATS_URL", value: "URL", doc: "NATS servers, separated by commas, such as tls://nats.example.org:4222 (default of serve: a server that it embeds)", of: []string{cmdServe, cmdNode}, text: func(s *Settings) *string { return &s.NATS.URL }},
		{key: "nats_seed", env: "WHARF_NATS_SEED", value: "FILE", doc: "NKey seed of a manager, for the servers of nats_url", of: []string{cmdServe}, text: func(s *Settings) *string { return &s.NATS.Seed }},
		{key: "nats_listen", env: "WHARF_NATS_LISTEN", value: "HOST:PORT", doc: "where the embedded server is (default 127.0.0.1 and a free port, kept in the data directory)", of: []string{cmdServe}, text: func(s *Settings) *string { return &s.NATS.Listen }},
		{key: "nats_tls_cert", env: "WHARF_NATS_TLS_CERT", value: "FILE", doc: "certificate of the embedded server, or for servers of nats_url that ask for one", of: []string{cmdServe}, text: func(s *Settings) *string { return &s.NATS.TLSCert }},
		{key: "nats_tls_key", env: "WHARF_NATS_TLS_KEY", value: "FILE", doc: "key of the certificate", of: []string{cmdServe}, text: func(s *Settings) *string { return &s.NATS.TLSKey }},
		{key: "nats_tls_ca", env: "WHARF_NATS_TLS_CA", value: "FILE", doc: "certificates that sign the servers of nats_url (default the system's)", of: []string{cmdServe}, text: func(s *Settings) *string { return &s.NATS.TLSCA }},
		{key: "nats_insecure", env: "WHARF_NATS_INSECURE", doc: "permit to speak over a network without TLS, passwords of registries included", of: []string{cmdServe, cmdNode}, flag: func(s *Settings) *bool { return &s.NATS.Insecure }},
		{key: "keep_tasks", env: "WHARF_KEEP_TASKS", value: "TIME", doc: "how long finished tasks are kept: 12h, 30d, or forever (default 24h)", of: []string{cmdServe}, keep: func(s *Settings) *time.Duration { return &s.serve.KeepTasks }},
		{key: "keep_audit", env: "WHARF_KEEP_AUDIT", value: "TIME", doc: "how long the audit trail is kept (default 90d)", of: []string{cmdServe}, keep: func(s *Settings) *time.Duration { return &s.serve.KeepAudit }},
		{key: "keep_keys", env: "WHARF_KEEP_KEYS", value: "TIME", doc: "how long the answers to calls with an idempotency key are kept (default 24h)", of: []string{cmdServe}, keep: func(s *Settings) *time.Duration { return &s.serve.KeepKeys }},
	}
}

// parseKeep reads how long something is kept: "" is the default, and forever is
// negative.
func parseKeep(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if strings.EqualFold(s, "forever") {
		return -1, nil
	}
	d, ok := parseAge(s)
	if !ok || d == 0 {
		return 0, domain.Invalid("setting_invalid", "keep", "a time such as 12h or 30d, or forever, not %s", domain.Quote(s))
	}
	return d, nil
}
