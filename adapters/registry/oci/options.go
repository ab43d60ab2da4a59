package oci

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service/port"
)

// Options tune how registries are spoken to. The zero value is ready for use.
type Options struct {
	// RequestTimeout bounds one try of one request with its body. Default 30 s.
	RequestTimeout time.Duration
	// Stall is how long nothing may move while a blob is sent or received, the
	// registry's own work on it included. Default 2 min.
	Stall time.Duration
	// Attempts is how often a request is tried in all. Default 4; 1 means no
	// retries.
	Attempts int
	// BackoffMin is waited, with jitter, before the first retry and doubled for
	// each further one. Default 500 ms.
	BackoffMin time.Duration
	// BackoffMax caps the doubling. Default 10 s.
	BackoffMax time.Duration
	// MaxRetryAfter is the longest Retry-After that is waited for. A registry
	// that asks for more is an error at once, which says how long it asked for.
	// Default 60 s.
	MaxRetryAfter time.Duration

	// PageSize is how many names of a listing are asked for at once, at least 2.
	// Default 1000, the most that common registries accept; one that refuses the
	// size chooses its own.
	PageSize int
	// MaxPages ends a listing that does not end by itself, with an error.
	// Default 1000.
	MaxPages int
	// MaxManifestBytes bounds manifests and indexes. Default 4 MiB, which the
	// specification tells registries to accept.
	MaxManifestBytes int64
	// MaxConfigBytes bounds image configurations. Default 8 MiB.
	MaxConfigBytes int64

	// RequestsPerSecond holds back requests to one host, over all rows that an
	// [Opener] opened. Default 0: no limit.
	RequestsPerSecond float64
	// Burst is how many requests may go out at once under RequestsPerSecond.
	// Default 1.
	Burst int

	// UserAgent names the caller to registries. Default "wharf".
	UserAgent string
	// Transport replaces dialing and TLS, and with them TLSSkipVerify and the
	// check of resolved addresses. Nil for a transport per row.
	Transport http.RoundTripper
}

func (o Options) withDefaults() Options {
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 30*time.Second)
	o.Stall = cmp.Or(o.Stall, 2*time.Minute)
	o.Attempts = cmp.Or(o.Attempts, 4)
	o.BackoffMin = cmp.Or(o.BackoffMin, 500*time.Millisecond)
	o.BackoffMax = max(cmp.Or(o.BackoffMax, 10*time.Second), o.BackoffMin)
	o.MaxRetryAfter = cmp.Or(o.MaxRetryAfter, time.Minute)
	o.PageSize = max(cmp.Or(o.PageSize, 1000), 2)
	o.MaxPages = cmp.Or(o.MaxPages, 1000)
	o.MaxManifestBytes = cmp.Or(o.MaxManifestBytes, 4<<20)
	o.MaxConfigBytes = cmp.Or(o.MaxConfigBytes, 8<<20)
	o.Burst = max(o.Burst, 1)
	o.UserAgent = cmp.Or(o.UserAgent, "wharf")
	return o
}

// Opener returns a port.OpenRegistry. The rows that it opens share the limits
// per host; each has its own tokens and connections. What it opens is a
// [*Client].
func Opener(o Options) port.OpenRegistry {
	o = o.withDefaults()
	shared := newPace(o)
	return func(_ context.Context, row domain.Registry) (port.Registry, error) {
		c, err := newClient(row, o, shared)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}
