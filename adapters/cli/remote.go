package cli

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// RemoteConfig says which server a [Service] is at.
type RemoteConfig struct {
	Server

	Version string       // of the program, for the User-Agent
	Logger  *slog.Logger // nil: silent

	mostBytes int64 // of an answer
}

const (
	remoteTries   = 3
	remotePause   = 100 * time.Millisecond // before the second try; it doubles
	remotePatient = time.Minute            // the longest Retry-After that is waited for
	maxAnswer     = 256 << 20
	maxProblem    = 1 << 20
)

// Remote runs the actions at a server. Errors are those of the service there,
// with their code, reason, name and message. Of its own are, as unavailable,
// server_unreachable, server_untrusted and server_reply_invalid (who answers is
// no wharf server, or something is in between), and precondition action_unknown
// for a server of another version. What fails on the way is tried again, writes
// under one idempotency key. Remote contacts nobody yet. Errors: invalid, for
// settings and files.
func Remote(c RemoteConfig) (Service, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	base, err := parseServer(c.URL)
	if err != nil {
		return nil, err
	}
	secure, err := c.tls()
	if err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.mostBytes = cmp.Or(c.mostBytes, maxAnswer)
	transport := newTransport(secure)
	return &remote{
		config: c, base: base, name: base.String(), transport: transport,
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // wherever it leads, the token stays here
		}},
	}, nil
}

// check finds what is wrong with the settings alone. Errors: invalid.
func (c RemoteConfig) check() error {
	base, err := parseServer(c.URL)
	switch {
	case err != nil:
		return err
	case base.Scheme == "http" && !c.Insecure && !loopback(base.Hostname()):
		return domain.Invalid("server_insecure", "server", "%s is another machine, and without TLS others can read tokens and passwords: use https, or permit it by --server-insecure", base)
	case (c.Cert == "") != (c.Key == ""):
		return domain.Invalid("server_invalid", "server_cert", "server_cert and server_key come together")
	}
	return nil
}

type remote struct {
	config    RemoteConfig
	base      *url.URL
	name      string
	client    *http.Client
	transport *http.Transport
}

// Close lets connections go.
func (r *remote) Close() error {
	r.transport.CloseIdleConnections()
	return nil
}

// Invoke runs an action at the server.
func (r *remote) Invoke(ctx context.Context, e service.Entry, a actions.Action) (any, error) {
	body, err := encode(a)
	if err != nil {
		return nil, err
	}
	q := question{entry: e, body: body, url: r.base.JoinPath("v1", strings.ReplaceAll(strings.ReplaceAll(e.Spec.Name, ".", "/"), "_", "-")).String()}
	if e.Spec.Effect != actions.Read {
		q.key = domain.NewID[string]()
	}
	waited := false
	for try := 1; ; try++ {
		got := r.ask(ctx, q)
		q.lost = q.lost || got.sent && got.result == nil
		switch {
		case got.err == nil:
			return complete(got.result, try)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case got.wait > 0 && !waited && soon(ctx, got.wait):
			waited = true
			try-- // it was not done
		case !got.again || try == remoteTries:
			return nil, r.last(q, try, got)
		default:
			got.wait = remotePause << (try - 1)
		}
		r.config.Logger.DebugContext(ctx, "trying again", "server", r.name, "action", e.Spec.Name, "in", got.wait, "because", got.err)
		if err := pause(ctx, got.wait); err != nil {
			return nil, err
		}
	}
}

// soon reports whether there is time to wait.
func soon(ctx context.Context, wait time.Duration) bool {
	end, limited := ctx.Deadline()
	return wait <= remotePatient && (!limited || time.Until(end) > wait)
}

// last is the error of the last try, for somebody who does not know of the
// others.
func (r *remote) last(q question, try int, got answer) error {
	switch {
	case try > 1 && domain.ReasonOf(got.err) == "idempotency_busy":
		return domain.Errorf(domain.CodeUnavailable, "server_reply_lost", r.name, "the connection to %s was lost, where %s goes on; look there before you try again", r.name, q.entry.Spec.Name)
	case q.key != "" && q.lost && got.again:
		return &domain.Error{
			Code: domain.CodeOf(got.err), Reason: domain.ReasonOf(got.err), On: r.name,
			Message: domain.MessageOf(got.err) + "; it may have been done nevertheless", Err: got.err,
		}
	}
	return got.err
}

// complete finds a result that lacks what is told only once: it was told when
// the first answer got lost.
func complete(result any, try int) (any, error) {
	if k, ok := result.(actions.CreateKeyResult); ok && try > 1 && k.Secret == "" {
		return nil, domain.Errorf(domain.CodeUnavailable, "key_lost", string(k.Key.ID), "the key %s was made, but the answer that tells it got lost: wharf key revoke %[1]s, and make another", k.Key.ID)
	}
	return result, nil
}
