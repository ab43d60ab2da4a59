package parity_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/oidc"
)

const audience = "wharf"

// issuer is a provider of tokens.
type issuer struct {
	t   *testing.T
	url string
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	i := &issuer{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// claims are those of a superadmin, with changes.
func (i *issuer) claims(changes map[string]any) []byte {
	c := map[string]any{"iss": i.url, "aud": audience, "sub": "root", "exp": time.Now().Add(time.Hour).Unix(), "role": "superadmin"}
	for k, v := range changes {
		c[k] = v
	}
	text, err := json.Marshal(c)
	require.NoError(i.t, err)
	return text
}

func (i *issuer) sign(key any, algorithm jose.SignatureAlgorithm, claims []byte) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	require.NoError(i.t, err)
	signed, err := signer.Sign(claims)
	require.NoError(i.t, err)
	text, err := signed.CompactSerialize()
	require.NoError(i.t, err)
	return text
}

func (i *issuer) token(changes map[string]any) string {
	return i.sign(i.key, jose.RS256, i.claims(changes))
}

// unsigned is a token that says itself that nobody signed it.
func unsigned(claims []byte, algorithm string) string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + algorithm + `","kid":"k"}`))
	return header + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
}

// served is a whole server over the site, which takes tokens of an issuer.
type served struct {
	*site
	*issuer
	url, root string
}

func newServed(t *testing.T) *served {
	t.Helper()
	s := &served{site: theSite(t), issuer: newIssuer(t)}
	cfg := s.outside().config(s.copied(t))
	ctx, cancel := context.WithCancel(context.Background())
	ready, ran := make(chan string, 1), make(chan error, 1)
	go func() {
		ran <- app.Serve(ctx, cfg, app.ServerConfig{
			Listen: "127.0.0.1:0", Ready: func(url, _ string) { ready <- url },
			Tokens: &oidc.Config{Issuer: s.issuer.url, Audience: audience, Claims: oidc.Claims{Superadmin: true}},
		})
	}()
	select {
	case s.url = <-ready:
	case err := <-ran:
		cancel()
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ran)
	})
	s.root = s.token(nil)
	return s
}

// ask sends a request as root.
func (s *served) ask(t *testing.T, method, path string, body io.Reader) (int, string) {
	t.Helper()
	return s.askAs(t, "Bearer "+s.root, method, path, body)
}

func (s *served) askAs(t *testing.T, authorization, method, path string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text)
}
