package cli

import (
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Server is the server that commands talk to. The zero value is none: they run
// the service in this process.
type Server struct {
	// URL is https://…, or http://… on this machine; a path in it is a prefix.
	URL string
	// Token is what the caller shows; "": that of TokenFile, which is read anew for
	// each request, or none.
	Token     domain.Secret
	TokenFile string
	// CA signs the server, "": the system's do. Cert and Key are for a server that
	// asks for a certificate. PEM files.
	CA, Cert, Key string
	// Insecure permits to reach other machines without TLS.
	Insecure bool
}

const (
	keyContext = "context"
	maxToken   = 64 << 10 // of a file
)

// parseServer reads the URL of a server. What is in it is not repeated: it may
// hold a password. Errors: invalid.
func parseServer(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, domain.Invalid("server_invalid", "server", "a server is a URL such as https://wharf.example.org")
	case u.User != nil:
		return nil, domain.Invalid("server_invalid", "server", "the URL of a server has no user or password in it; see wharf context add --help")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, domain.Invalid("server_invalid", "server", "the URL of a server ends with its path")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// loopback reports whether a host can only be this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// token returns what the caller shows, "" for nothing. Errors: invalid, which
// never tell the token.
func (s Server) token() (string, error) {
	token, from := s.Token.Reveal(), "token"
	if token == "" && s.TokenFile != "" {
		from = s.TokenFile
		b, err := readToken(s.TokenFile)
		if err != nil {
			return "", domain.Invalid("file_unreadable", from, "the token file %s cannot be read: %s", from, why(err))
		}
		if token = strings.TrimSpace(string(b)); token == "" {
			return "", domain.Invalid("token_invalid", from, "the token file %s is empty", from)
		}
	}
	token = strings.TrimSpace(token)
	if strings.IndexFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 || len(token) > maxToken {
		return "", domain.Invalid("token_invalid", from, "what %s holds is no token: it has characters that none has, or is too long", from)
	}
	return token, nil
}

func readToken(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxToken+1))
}

// source is what one place sets of a server, by key.
type source map[string]any

// connect finds the server among the places that may name one, and puts it into
// the settings. Errors: invalid, not_found for a context.
func (p *program) connect() error {
	list, err := p.sources()
	if err != nil {
		return err
	}
	var server any
	for _, s := range list {
		if v, ok := s["server"]; ok {
			server = v
		}
	}
	all := source{}
	for _, s := range list {
		if v, ok := s["server"]; ok && v != "" && v != server {
			continue // what is beside another server is for that one
		}
		if s["token"] != nil || s["token_file"] != nil {
			delete(all, "token")
			delete(all, "token_file")
		}
		maps.Copy(all, s)
	}
	p.settings.Server = Server{}
	for _, row := range serverSettings() {
		if v, ok := all[row.key]; ok && row.key != keyContext {
			if err := row.read(v, &p.settings); err != nil {
				return err
			}
		}
	}
	if p.settings.Server.URL == "" {
		return nil
	}
	return p.embeddedOnly()
}

// sources are the places, each above the ones before: file, context,
// environment, flags. A context is above the place that names it only.
func (p *program) sources() ([]source, error) {
	var places [layerCount]source
	for i, layer := range p.layers {
		places[i] = source{}
		for _, row := range serverSettings() {
			if layer.Exists(row.key) && row.key != keyContext {
				places[i][row.key] = layer.Get(row.key)
			}
		}
	}
	at := fromFile // what names the context
	for i, layer := range p.layers {
		if layer.String(keyContext) != "" {
			at = i
		}
	}
	_, byFlag := places[fromFlags]["server"]
	_, byEnv := places[fromEnv]["server"]
	switch {
	case byFlag && at == fromFlags:
		return nil, usage("--server and --context both name a server")
	case byFlag, byEnv && at != fromFlags:
		return places[:], nil // whatever the context is, it is not asked for
	}
	c, err := p.chosenContext(at)
	if err != nil {
		return nil, err
	}
	if at == fromFlags {
		return []source{places[fromFile], places[fromEnv], c, places[fromFlags]}, nil
	}
	return []source{places[fromFile], c, places[fromEnv], places[fromFlags]}, nil
}

// embeddedOnly refuses flags that mean nothing to a server.
func (p *program) embeddedOnly() error {
	if p.global.as != "" {
		return usage("--as is for the service in this process; at a server, the token says who calls")
	}
	for _, key := range []string{"database", "data_dir"} {
		if p.layers[fromFlags].Exists(key) {
			return usage("--%s is for the service in this process; there is a server, which --server '' leaves out", strings.ReplaceAll(key, "_", "-"))
		}
	}
	return nil
}
