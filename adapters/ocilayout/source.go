package ocilayout

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wharf-project/wharf/domain"
)

// source is one repository of a registry, after the handshake.
type source struct {
	client *http.Client
	base   url.URL // up to the repository
	on     string
	stall  time.Duration
}

// connect shakes hands with the registry of r. It contacts the endpoint of the
// row and nothing that only the reference names.
func (a *agent) connect(ctx context.Context, r domain.PullRequest) (*source, error) {
	endpoint, err := url.Parse(r.Registry.Endpoint())
	if err != nil || endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.Host == "" {
		return nil, domain.Invalid("registry_invalid", "url", "not a registry's URL: %s", domain.Quote(r.Registry.Endpoint()))
	}
	options := []name.Option{}
	if endpoint.Scheme == "http" {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(endpoint.Host, options...)
	if err != nil {
		return nil, domain.Invalid("registry_invalid", "url", "not a registry's host: %s", domain.Quote(endpoint.Host))
	}
	repo := registry.Repo(r.Reference.Path)
	auth := authn.Anonymous
	if r.Registry.Username != "" {
		auth = authn.FromConfig(authn.AuthConfig{Username: r.Registry.Username, Password: r.Registry.Password.Reveal()})
	}
	g := &guard{
		next: a.verified, scheme: endpoint.Scheme, host: registry.RegistryStr(),
		realms: r.Registry.TokenRealms, inside: r.Registry.PrivateNetwork,
	}
	if r.Registry.TLSSkipVerify {
		g.next = a.trusting
	}
	s := &source{on: r.Registry.Name, stall: a.stall, base: url.URL{Scheme: endpoint.Scheme, Host: g.host, Path: "/v2/" + repo.RepositoryStr()}}
	watched, w := watch(ctx, s.stall)
	defer w.stop()
	rt, err := transport.NewWithContext(watched, registry, auth, g, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, registryError(ctx, s.on, err)
	}
	s.client = &http.Client{Transport: rt, CheckRedirect: g.redirect}
	return s, nil
}

// manifest reads a manifest or index by tag or digest and returns its bytes and
// media type. The caller verifies the bytes.
func (s *source) manifest(ctx context.Context, identifier, canonical string) ([]byte, string, error) {
	accept := []string{
		string(types.OCIImageIndex), string(types.OCIManifestSchema1),
		string(types.DockerManifestList), string(types.DockerManifestSchema2),
	}
	absent := domain.Errorf(domain.CodeNotFound, "tag_not_found", canonical, "the registry has no such image: %s", canonical)
	body, header, err := s.get(ctx, "manifests/"+identifier, accept, absent)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(body, maxDocument+1))
	if err != nil {
		return nil, "", err
	}
	if len(raw) > maxDocument {
		return nil, "", malformed(s.on, "the manifest of %s is too large", canonical)
	}
	mediaType, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return raw, strings.TrimSpace(mediaType), nil
}

// blob opens a blob. Errors of the reader are coded.
func (s *source) blob(ctx context.Context, d domain.Digest) (io.ReadCloser, error) {
	body, _, err := s.get(ctx, "blobs/"+d.String(), nil, malformed(s.on, "the registry lacks content that it lists: %s", d))
	return body, err
}

func (s *source) get(ctx context.Context, path string, accept []string, absent *domain.Error) (io.ReadCloser, http.Header, error) {
	watched, w := watch(ctx, s.stall)
	req, err := http.NewRequestWithContext(watched, http.MethodGet, s.base.JoinPath(path).String(), nil)
	if err != nil {
		w.stop()
		return nil, nil, registryError(ctx, s.on, err)
	}
	if len(accept) > 0 {
		req.Header.Set("Accept", strings.Join(accept, ", "))
	}
	// What is stored must be the bytes that the digest is of.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := s.client.Do(req)
	if err != nil {
		w.stop()
		return nil, nil, registryError(ctx, s.on, err)
	}
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		w.stop()
		_ = resp.Body.Close()
		return nil, nil, answerError(s.on, err, resp.StatusCode, absent)
	}
	return &body{ReadCloser: resp.Body, ctx: ctx, watch: w, on: s.on}, resp.Header, nil
}

// body codes read errors and feeds the watch.
type body struct {
	io.ReadCloser
	ctx   context.Context // the caller's, to tell a canceled call from a failing peer
	watch *stallWatch
	on    string
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.feed()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = registryError(b.ctx, b.on, err)
	}
	return n, err
}

func (b *body) Close() error {
	b.watch.stop()
	return b.ReadCloser.Close()
}

// stallWatch ends a context when nothing feeds it for a while: a peer that hangs
// must not hold a pull for hours.
type stallWatch struct {
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelFunc
}

func watch(ctx context.Context, limit time.Duration) (context.Context, *stallWatch) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, &stallWatch{timer: time.AfterFunc(limit, cancel), limit: limit, cancel: cancel}
}

func (w *stallWatch) feed() { w.timer.Reset(w.limit) }

func (w *stallWatch) stop() {
	w.timer.Stop()
	w.cancel()
}
