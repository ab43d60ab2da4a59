package cli

import (
	"time"

	"github.com/wharf-project/wharf/domain"
)

// setting is one row of the table of settings.
type setting struct {
	key   string // in the file; the flag is the same with dashes
	env   string
	also  string // a variable of others that counts when env is not set
	doc   string
	value string // what it holds, for help; "" of a switch

	of      []string // the commands that have the flag; nil: every one
	many    bool     // flags given again add to the first, as commas do
	envOnly bool     // neither a flag nor in the file

	set setter
}

// Commands that run until they are stopped.
const (
	cmdServe = "wharf serve"
	cmdNode  = "wharf agent run"
)

// settingsTable is the one table: for flags, environment, file and help.
func settingsTable() []setting {
	list := append(localSettings(), serverSettings()...)
	list = append(list, natsSettings()...)
	return append(list, serveSettings()...)
}

func localSettings() []setting {
	return []setting{
		{key: "database", env: "WHARF_DATABASE_URL", value: "URL", doc: "postgres://… or sqlite:PATH (default wharf.db in the data directory)", set: setText(func(s *Settings) *string { return &s.Database })},
		{key: "data_dir", env: "WHARF_DATA_DIR", value: "DIR", doc: "where the embedded database and the key file are (default $XDG_DATA_HOME/wharf)", set: setText(func(s *Settings) *string { return &s.DataDir })},
		{key: "keys", env: "WHARF_KEYS", value: "KEYS", doc: "keys that seal registry passwords: base64, one a line, the sealing one first (default the file key in the data directory)", envOnly: true, set: setText(func(s *Settings) *string { return &s.Keys })},
		{key: "default_registry", env: "WHARF_DEFAULT_REGISTRY", value: "HOST", doc: "registry of names that have none (default docker.io)", set: setChecked(func(s *Settings) *string { return &s.DefaultRegistry }, domain.ValidateRegistryHost)},
		{key: "default_project", env: "WHARF_DEFAULT_PROJECT", value: "PATH", doc: "project of one-word names on docker.io (default library)", set: setChecked(func(s *Settings) *string { return &s.DefaultProject }, domain.ValidateRepositoryPath)},
		{key: "default_architecture", env: "WHARF_DEFAULT_ARCHITECTURE", value: "ARCH", doc: "what is shown of an image that has several (default this machine's)", set: setChecked(func(s *Settings) *string { return &s.DefaultArchitecture }, func(v string) error { _, err := domain.NormalizeArchitecture(v); return err })},
		{key: "clusters", env: "WHARF_CLUSTERS", value: "NAME=REGISTRY,…", many: true, doc: "clusters that image: URIs name, each NAME=REGISTRY[/ORG/PROJECT]; the flag may be repeated (default none)", set: setClusters(func(s *Settings) *[]domain.Cluster { return &s.Clusters.All })},
		{key: "cluster", env: "WHARF_CLUSTER", value: "NAME", doc: "the cluster of image: URIs that name none (default the first of clusters)", set: setText(func(s *Settings) *string { return &s.Clusters.Current })},
		{key: "build_sources", env: "WHARF_BUILD_SOURCES", value: "DIR", doc: "folder that models and pipelines may name directories and tarballs of (default none)", set: setText(func(s *Settings) *string { return &s.BuildSources })},
		{key: "build_agent", env: "WHARF_BUILD_AGENT", value: "AGENT", doc: "where images are built (default the only online agent that can)", set: setText(func(s *Settings) *string { return &s.BuildAgent })},
		{key: "log_level", env: "WHARF_LOG_LEVEL", value: "LEVEL", doc: "what is logged to standard error: debug, info, warn or error (default error; of serve and agent run info)", set: setChecked(func(s *Settings) *string { return &s.LogLevel }, func(v string) error { _, err := logLevel(v); return err })},
		{key: "no_color", env: "NO_COLOR", doc: "no colours on a terminal", set: setSwitch(func(s *Settings) *bool { return &s.NoColor })},
		{key: "quiet", env: "WHARF_QUIET", doc: "no progress and no hints", set: setSwitch(func(s *Settings) *bool { return &s.Quiet })},
	}
}

// serverSettings are what a context may hold, but for the last one, which
// chooses the context.
func serverSettings() []setting {
	return []setting{
		{key: "server", env: "WHARF_SERVER", value: "URL", doc: "the wharf serve to talk to (default the service in this process, with database and data_dir)", set: setChecked(func(s *Settings) *string { return &s.Server.URL }, func(v string) error { _, err := parseServer(v); return err })},
		{key: "token", env: "WHARF_TOKEN", value: "TOKEN", doc: "key of wharf key create, or a token, for the server", envOnly: true, set: setText(func(s *Settings) *string { return (*string)(&s.Server.Token) })},
		{key: "token_file", env: "WHARF_TOKEN_FILE", value: "FILE", doc: "file with the key or token for the server", set: setText(func(s *Settings) *string { return &s.Server.TokenFile })},
		{key: "server_ca", env: "WHARF_SERVER_CA", value: "FILE", doc: "certificates that sign the server (default the system's)", set: setText(func(s *Settings) *string { return &s.Server.CA })},
		{key: "server_cert", env: "WHARF_SERVER_CERT", value: "FILE", doc: "certificate for a server that asks for one", set: setText(func(s *Settings) *string { return &s.Server.Cert })},
		{key: "server_key", env: "WHARF_SERVER_KEY", value: "FILE", doc: "key of that certificate", set: setText(func(s *Settings) *string { return &s.Server.Key })},
		{key: "server_insecure", env: "WHARF_SERVER_INSECURE", doc: "permit to reach the server over a network without TLS: others can read tokens and passwords", set: setSwitch(func(s *Settings) *bool { return &s.Server.Insecure })},
		{key: keyContext, env: "WHARF_CONTEXT", value: "NAME", doc: "the context to talk to (default the one of wharf context use)", set: setText(func(s *Settings) *string { return &s.Context })},
	}
}

func natsSettings() []setting {
	return []setting{
		{key: "nats_url", env: "WHARF_NATS_URL", value: "URL", doc: "NATS servers, separated by commas, such as tls://nats.example.org:4222 (default of serve: a server that it embeds)", of: []string{cmdServe, cmdNode}, set: setText(func(s *Settings) *string { return &s.NATS.URL })},
		{key: "nats_seed", env: "WHARF_NATS_SEED", value: "FILE", doc: "NKey seed of a manager, for the servers of nats_url", of: []string{cmdServe}, set: setText(func(s *Settings) *string { return &s.NATS.Seed })},
		{key: "nats_listen", env: "WHARF_NATS_LISTEN", value: "HOST:PORT", doc: "where the embedded server is (default 127.0.0.1 and a free port, kept in the data directory)", of: []string{cmdServe}, set: setText(func(s *Settings) *string { return &s.NATS.Listen })},
		{key: "nats_tls_cert", env: "WHARF_NATS_TLS_CERT", value: "FILE", doc: "certificate of the embedded server, or for servers of nats_url that ask for one", of: []string{cmdServe}, set: setText(func(s *Settings) *string { return &s.NATS.TLSCert })},
		{key: "nats_tls_key", env: "WHARF_NATS_TLS_KEY", value: "FILE", doc: "key of the certificate", of: []string{cmdServe}, set: setText(func(s *Settings) *string { return &s.NATS.TLSKey })},
		{key: "nats_tls_ca", env: "WHARF_NATS_TLS_CA", value: "FILE", doc: "certificates that sign the servers of nats_url (default the system's)", of: []string{cmdServe}, set: setText(func(s *Settings) *string { return &s.NATS.TLSCA })},
		{key: "nats_insecure", env: "WHARF_NATS_INSECURE", doc: "permit to speak over a network without TLS, passwords of registries included", of: []string{cmdServe, cmdNode}, set: setSwitch(func(s *Settings) *bool { return &s.NATS.Insecure })},
		{key: "keep_tasks", env: "WHARF_KEEP_TASKS", value: "TIME", doc: "how long finished tasks are kept: 12h, 30d, or forever (default 24h)", of: []string{cmdServe}, set: setKeep(func(s *Settings) *time.Duration { return &s.serve.KeepTasks })},
		{key: "keep_audit", env: "WHARF_KEEP_AUDIT", value: "TIME", doc: "how long the audit trail is kept (default 90d)", of: []string{cmdServe}, set: setKeep(func(s *Settings) *time.Duration { return &s.serve.KeepAudit })},
		{key: "keep_keys", env: "WHARF_KEEP_KEYS", value: "TIME", doc: "how long the answers to calls with an idempotency key are kept (default 24h)", of: []string{cmdServe}, set: setKeep(func(s *Settings) *time.Duration { return &s.serve.KeepKeys })},
	}
}

func serveSettings() []setting {
	of := []string{cmdServe}
	return []setting{
		{key: "listen", env: "WHARF_LISTEN", value: "HOST:PORT", doc: "where the HTTP server is (default 127.0.0.1:8080; port 0 is any)", of: of, set: setText(func(s *Settings) *string { return &s.serve.HTTP.Listen })},
		{key: "tls_cert", env: "WHARF_TLS_CERT", value: "FILE", doc: "certificate of the HTTP server; an address that others can reach needs one, or behind_proxy", of: of, set: setText(func(s *Settings) *string { return &s.serve.HTTP.TLSCert })},
		{key: "tls_key", env: "WHARF_TLS_KEY", value: "FILE", doc: "key of that certificate", of: of, set: setText(func(s *Settings) *string { return &s.serve.HTTP.TLSKey })},
		{key: "client_ca", env: "WHARF_CLIENT_CA", value: "FILE", doc: "clients have to show a certificate that one of these signed, beside their token", of: of, set: setText(func(s *Settings) *string { return &s.serve.HTTP.ClientCA })},
		{key: "behind_proxy", env: "WHARF_BEHIND_PROXY", doc: "permit plain HTTP on an address that others can reach: a proxy in front does TLS", of: of, set: setSwitch(func(s *Settings) *bool { return &s.serve.HTTP.BehindProxy })},
		{key: "max_body", env: "WHARF_MAX_BODY", value: "SIZE", doc: "the longest body of a request that is taken (default 8m)", of: of, set: setSize(func(s *Settings) *int64 { return &s.serve.HTTP.MaxBody })},
		{key: "max_requests", env: "WHARF_MAX_REQUESTS", value: "N", doc: "requests worked on at once, streams apart (default 512)", of: of, set: setCount(func(s *Settings) *int { return &s.serve.HTTP.MaxRequests })},
		{key: "oidc_issuer", env: "WHARF_OIDC_ISSUER", value: "URL", doc: "whose tokens are taken beside keys (default nobody's)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.Issuer })},
		{key: "oidc_audience", env: "WHARF_OIDC_AUDIENCE", value: "TEXT", doc: "whom these tokens have to be made for", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.Audience })},
		{key: "oidc_keys_url", env: "WHARF_OIDC_KEYS_URL", value: "URL", doc: "the issuer's keys (default found at ISSUER/.well-known/openid-configuration)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.KeysURL })},
		{key: "oidc_superadmin", env: "WHARF_OIDC_SUPERADMIN", doc: "tokens may make superadmins", of: of, set: setSwitch(func(s *Settings) *bool { return &s.serve.Tokens.Superadmin })},
		{key: "claim_user", env: "WHARF_CLAIM_USER", value: "CLAIM", doc: "the token's claim that names the user (default sub)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.User })},
		{key: "claim_role", env: "WHARF_CLAIM_ROLE", value: "CLAIM", doc: "the claim with roles, such as realm_access.roles (default role)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.Role })},
		{key: "claim_domain", env: "WHARF_CLAIM_DOMAIN", value: "CLAIM", doc: "the claim that names the domain (default domain)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.Domain })},
		{key: "claim_projects", env: "WHARF_CLAIM_PROJECTS", value: "CLAIM", doc: "the claim with projects (default projects)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Tokens.Projects })},
		{key: "role_map", env: "WHARF_ROLE_MAP", value: "THEIRS=OURS,…", doc: "what the issuer's roles are here; others are none (default they are ours)", of: of, set: setMapping(func(s *Settings) *map[string]string { return &s.serve.Tokens.Roles })},
		{key: "hide_schema", env: "WHARF_HIDE_SCHEMA", doc: "GraphQL does not tell its schema", of: of, set: setSwitch(func(s *Settings) *bool { return &s.serve.HideSchema })},
		{key: "otlp_endpoint", env: "WHARF_OTLP_ENDPOINT", also: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "URL", doc: "collector of traces over OTLP/HTTP, such as http://localhost:4318 (default $OTEL_EXPORTER_OTLP_ENDPOINT, else none)", of: of, set: setText(func(s *Settings) *string { return &s.serve.Traces })},
	}
}
