package docker

import (
	"cmp"
	"context"
	"io"
	"maps"
	"path/filepath"
	"time"

	"github.com/moby/moby/client"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Options tune how engines are reached. The zero value reaches unix sockets and,
// through ssh, other machines.
type Options struct {
	// TLS holds the certificates for tcp addresses by host:port; the entry ""
	// is for all that have none of their own.
	TLS map[string]TLSFiles
	// AllowInsecureTCP permits tcp addresses without an entry in TLS. Whoever
	// reaches an engine owns its machine: only for networks that nobody else can
	// enter.
	AllowInsecureTCP bool
	// SSH is the command for ssh addresses; "" means ssh. Keys, host keys and
	// jump hosts are its own configuration; it never asks anything. It runs at
	// most six times at once for one agent, pulls included.
	SSH string
	// Jobs is how many images an inventory inspects at a time; 0 means 8.
	Jobs int
	// CleanUp bounds what a pull takes back after it failed; 0 means 10 seconds.
	CleanUp time.Duration
}

// TLSFiles are PEM files for one engine. Without CA the system's roots decide;
// Cert and Key come together or not at all.
type TLSFiles struct {
	CA, Cert, Key string
}

// TLSDirectory returns the files of a directory that follows Docker's
// convention: ca.pem, cert.pem and key.pem.
func TLSDirectory(dir string) TLSFiles {
	return TLSFiles{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
}

// Opener opens agents whose address is unix:///path, tcp://host:port or
// ssh://[user@]host[:port]. Opening reads the certificates and contacts nobody;
// the version of the API is negotiated by the first call. An address of another
// form is invalid, reason agent_invalid; certificates that cannot be read are
// precondition, reason agent_tls. So are, from the first call on, those that the
// engine or this side refuses; keys and hosts that ssh refuses are agent_ssh. The
// agents are io.Closers.
func Opener(o Options) port.OpenAgent {
	o = o.complete()
	return func(_ context.Context, a domain.Agent) (port.Agent, error) {
		opened, err := o.open(a.Address, cmp.Or(string(a.ID), a.Address))
		if err != nil {
			return nil, err // and no pointer in it
		}
		return opened, nil
	}
}

func (o Options) complete() Options {
	o.TLS = maps.Clone(o.TLS)
	o.SSH = cmp.Or(o.SSH, "ssh")
	o.Jobs = cmp.Or(max(o.Jobs, 0), 8)
	o.CleanUp = cmp.Or(o.CleanUp, 10*time.Second)
	return o
}

// open opens an engine; on is what errors call it.
func (o Options) open(address, on string) (*agent, error) {
	e, err := newEngine(on, func() (*client.Client, error) { return o.connect(address) })
	if err != nil {
		return nil, err
	}
	return &agent{
		engine: e,
		jobs:   o.Jobs, cleanUp: o.CleanUp,
		names: keyLock{held: map[string]*keyHold{}},
	}, nil
}

var (
	_ io.Closer       = (*agent)(nil)
	_ port.Local      = (*agent)(nil)
	_ port.Builder    = (*agent)(nil)
	_ port.Containers = (*agent)(nil)
	_ port.Committer  = (*agent)(nil)
)
