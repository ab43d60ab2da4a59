package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/wharf-project/wharf/adapters/oidc"
	"github.com/wharf-project/wharf/domain"
)

const audience = "wharf"

// issuer is a provider of tokens with keys that can change.
type issuer struct {
	tb  testing.TB
	url string

	mu      sync.Mutex
	key     *rsa.PrivateKey
	kid     string
	fetched int
	broken  bool
}

func newIssuer(tb testing.TB) *issuer {
	tb.Helper()
	i := &issuer{tb: tb}
	i.rotate("first")
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.fetched++
		if i.broken {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: i.kid, Algorithm: "RS256", Use: "sig"}}})
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) rotate(kid string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(i.tb, err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.kid = key, kid
}

// claims are those of a good token, with changes; a nil value takes one out.
func (i *issuer) claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.url, "aud": audience, "sub": "ada", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"role": "user", "domain": "lab", "projects": []string{"vision", "speech"},
	}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func (i *issuer) sign(claims map[string]any) string {
	i.tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	return signed(i.tb, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}}, claims)
}

func signed(tb testing.TB, key jose.SigningKey, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(key, nil)
	require.NoError(tb, err)
	body, err := json.Marshal(claims)
	require.NoError(tb, err)
	sig, err := signer.Sign(body)
	require.NoError(tb, err)
	text, err := sig.CompactSerialize()
	require.NoError(tb, err)
	return text
}

func newVerifier(tb testing.TB, i *issuer, claims oidc.Claims) *oidc.Verifier {
	tb.Helper()
	v, err := oidc.New(oidc.Config{Issuer: i.url, Audience: audience, Claims: claims})
	require.NoError(tb, err)
	return v
}

func TestATokenIsAnActor(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	ours := map[string]domain.Role{"cluster-ops": domain.RoleAdmin, "root": domain.RoleSuperadmin, "all": domain.RoleUser}
	for name, c := range map[string]struct {
		mapping oidc.Claims
		changes map[string]any
		want    domain.Actor
	}{
		"as it is":                   {want: domain.Actor{ID: "ada", Role: "user", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"projects in one text":       {changes: map[string]any{"projects": "vision, speech"}, want: domain.Actor{ID: "ada", Role: "user", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"nothing but a user":         {changes: map[string]any{"role": nil, "domain": nil, "projects": nil}, want: domain.Actor{ID: "ada"}},
		"nested and translated":      {mapping: oidc.Claims{Role: "realm_access.roles", Roles: ours}, changes: map[string]any{"realm_access": map[string]any{"roles": []string{"x", "all", "cluster-ops"}}}, want: domain.Actor{ID: "ada", Role: "admin", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"a claim with a dotted name": {mapping: oidc.Claims{User: "example.org/user"}, changes: map[string]any{"example.org/user": "bob"}, want: domain.Actor{ID: "bob", Role: "user", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"a superadmin who may not":   {changes: map[string]any{"role": []string{"superadmin", "monitor"}}, want: domain.Actor{ID: "ada", Role: "monitor", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"a superadmin who may":       {mapping: oidc.Claims{Roles: ours, Superadmin: true}, changes: map[string]any{"role": "root"}, want: domain.Actor{ID: "ada", Role: "superadmin", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"a machine's role":           {changes: map[string]any{"role": []string{"system", "agent"}}, want: domain.Actor{ID: "ada", Domain: "lab", Projects: []string{"vision", "speech"}}},
		"one of several audiences":   {changes: map[string]any{"aud": []string{"other", audience}}, want: domain.Actor{ID: "ada", Role: "user", Domain: "lab", Projects: []string{"vision", "speech"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newVerifier(t, i, c.mapping).Authenticate(t.Context(), i.sign(i.claims(c.changes)))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestTokensThatAreNotGoodAreRefused(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	other := newIssuer(t)
	v := newVerifier(t, i, oidc.Claims{})
	none := func(claims map[string]any) string {
		body, _ := json.Marshal(claims)
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	}
	shared := jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}
	good := i.sign(i.claims(nil))
	for name, token := range map[string]string{
		"expired":             i.sign(i.claims(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})),
		"not yet":             i.sign(i.claims(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})),
		"for somebody else":   i.sign(i.claims(map[string]any{"aud": "other"})),
		"of somebody else":    i.sign(i.claims(map[string]any{"iss": other.url})),
		"another's signature": other.sign(i.claims(nil)),
		"unsigned":            none(i.claims(nil)),
		"a shared secret":     signed(t, shared, i.claims(nil)),
		"changed":             good[:len(good)-6] + "AAAAAA",
		"no user":             i.sign(i.claims(map[string]any{"sub": nil})),
		"an odd user":         i.sign(i.claims(map[string]any{"sub": "a b"})),
		"a node":              i.sign(i.claims(map[string]any{"sub": "agent:node-1"})),
		"the service":         i.sign(i.claims(map[string]any{"sub": "system"})),
		"a domain list":       i.sign(i.claims(map[string]any{"domain": []string{"a", "b"}})),
		"odd projects":        i.sign(i.claims(map[string]any{"projects": map[string]any{"a": 1}})),
		"nothing":             "",
		"no token":            "a.b.c",
		"endless":             strings.Repeat("a", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.Authenticate(t.Context(), token)
			require.ErrorIs(t, err, domain.ErrUnauthenticated)
			require.Equal(t, "token_invalid", domain.ReasonOf(err))
			require.Equal(t, "the token is not valid here", domain.MessageOf(err), "not a word why")
		})
	}
}

func TestKeysMayChange(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := newVerifier(t, i, oidc.Claims{})
	old := i.sign(i.claims(nil))
	for range 3 {
		_, err := v.Authenticate(t.Context(), old)
		require.NoError(t, err)
	}
	require.Equal(t, 1, i.fetched)
	i.rotate("second")
	_, err := v.Authenticate(t.Context(), i.sign(i.claims(nil)))
	require.NoError(t, err)
	_, err = v.Authenticate(t.Context(), old)
	require.ErrorIs(t, err, domain.ErrUnauthenticated, "signed by a key that is gone")
}

func TestAnIssuerThatIsAwayIsNotABadToken(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	v := newVerifier(t, i, oidc.Claims{})
	i.broken = true
	token := i.sign(i.claims(nil))
	_, err := v.Authenticate(t.Context(), token)
	require.ErrorIs(t, err, domain.ErrUnavailable)
	i.mu.Lock()
	i.broken = false
	i.mu.Unlock()
	_, err = v.Authenticate(t.Context(), token)
	require.NoError(t, err, "it is asked again")

	gone, err := oidc.New(oidc.Config{Issuer: "http://127.0.0.1:1", Audience: audience})
	require.NoError(t, err)
	_, err = gone.Authenticate(t.Context(), token)
	require.ErrorIs(t, err, domain.ErrUnavailable)
}

func TestConfigurationsThatWouldTakeTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]oidc.Config{
		"no issuer":       {Audience: audience},
		"no audience":     {Issuer: "https://login.example.org"},
		"a shared secret": {Issuer: "https://login.example.org", Audience: audience, Algorithms: []string{"RS256", "HS256"}},
		"no signature":    {Issuer: "https://login.example.org", Audience: audience, Algorithms: []string{"none"}},
		"odd keys":        {Issuer: "https://login.example.org", Audience: audience, KeysURL: "file:///etc/keys"},
	} {
		_, err := oidc.New(c)
		require.ErrorIs(t, err, domain.ErrInvalid, name)
	}
}
