package docker

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// theEngine is where an engine is when nothing says otherwise.
const theEngine = "unix:///var/run/docker.sock"

// OpenLocal is a port.OpenLocal for the engine of whoever runs this program: ""
// and "docker" are the one of DOCKER_HOST, or else of the usual socket;
// "docker:ADDRESS" has an address as [Opener] takes it. DOCKER_TLS_VERIFY and
// DOCKER_CERT_PATH (or else ~/.docker) give the certificates for tcp; without the
// former, the engine of DOCKER_HOST may be spoken to in plain tcp, as by other
// tools, but no other one. Contexts of the docker command are not looked at.
//
// It contacts nobody. Errors: invalid, reason store_invalid, for anything else;
// precondition, reason agent_tls, for certificates that cannot be read. What is
// opened is a port.Builder, port.Containers, port.Committer, port.Agent and
// io.Closer too; when the engine does not answer, its calls are unavailable,
// reason engine_unavailable.
func OpenLocal(_ context.Context, address string) (port.Local, error) {
	kind, host, named := strings.Cut(address, ":")
	if kind != "" && kind != "docker" || named && host == "" {
		return nil, domain.Invalid(reasonStore, "store", "not a store of images: it is docker, or docker: and an engine's address")
	}
	o := Options{}.complete()
	if os.Getenv(client.EnvTLSVerify) != "" {
		dir := os.Getenv(client.EnvOverrideCertPath)
		if home, err := os.UserHomeDir(); dir == "" && err == nil {
			dir = filepath.Join(home, ".docker")
		}
		o.TLS = map[string]TLSFiles{"": TLSDirectory(dir)}
	}
	from := "the address"
	if !named {
		if host = os.Getenv(client.EnvOverrideHost); host == "" {
			host = theEngine
		}
		from, o.AllowInsecureTCP = "DOCKER_HOST", true
	}
	opened, err := o.open(host, host)
	if domain.CodeOf(err) == domain.CodeInvalid {
		bad := domain.Invalid(reasonStore, "store", "%s does not name an engine; it is unix:///path, tcp://host:port or ssh://user@host", from)
		bad.Err = err
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	opened.engine.local = true
	return opened, nil
}
