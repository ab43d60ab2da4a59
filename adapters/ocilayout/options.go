package ocilayout

import (
	"cmp"
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Options tune pulls. The zero value is ready to use.
type Options struct {
	// Transport is cloned for each agent; nil means Go's default one. Plain HTTP
	// and skipped TLS verification follow from the registry of each request.
	Transport *http.Transport
	// Stall is how long a registry may send nothing before a pull gives up; 0
	// means one minute. Whole pulls are bounded by their context alone.
	Stall time.Duration
	// Jobs is how many blobs one pull fetches at a time; 0 means 3.
	Jobs int
}

// Opener opens agents whose address is the absolute path of a directory. The
// directory is created when it is missing and refused, as invalid, when it holds
// something other than an image layout. The agents are io.Closers.
func Opener(o Options) port.OpenAgent {
	o.Stall = cmp.Or(o.Stall, time.Minute)
	o.Jobs = max(o.Jobs, 0)
	o.Jobs = cmp.Or(o.Jobs, 3)
	return func(ctx context.Context, a domain.Agent) (port.Agent, error) {
		if !filepath.IsAbs(a.Address) {
			return nil, domain.Invalid("agent_invalid", "address", "an ocilayout agent's address is an absolute path: %s", domain.Quote(a.Address))
		}
		l := newLayout(filepath.Clean(a.Address), cmp.Or(string(a.ID), a.Address))
		if err := l.create(ctx); err != nil {
			return nil, err
		}
		return &agent{
			layout:   l,
			stall:    o.Stall,
			jobs:     o.Jobs,
			blobs:    keyLock{held: map[string]*keyHold{}},
			verified: transportOf(o.Transport, false),
			trusting: transportOf(o.Transport, true),
		}, nil
	}
}

// transportOf clones t, so that closing one agent closes its connections only.
func transportOf(t *http.Transport, skipVerify bool) *http.Transport {
	if t == nil {
		t, _ = http.DefaultTransport.(*http.Transport)
	}
	if t == nil { // the embedder replaced the default with another type
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t = t.Clone()
	if skipVerify {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{}
		}
		t.TLSClientConfig.InsecureSkipVerify = true // the operator's choice: Registry.TLSSkipVerify
	}
	return t
}
