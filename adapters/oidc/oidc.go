package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/wharf-project/wharf/domain"
)

// Config says whose tokens are taken and what their claims mean. Issuer and
// Audience are required.
type Config struct {
	Issuer   string // compared with iss, and where the keys are looked up
	Audience string // must be one of aud
	// KeysURL is the issuer's JWKS; "": found at Issuer/.well-known/openid-configuration.
	KeysURL string
	// Algorithms are the signatures that are taken; nil: RS256, ES256 and EdDSA.
	// None and those with a shared secret never are.
	Algorithms []string
	Claims     Claims
	Client     *http.Client // nil: one with a timeout of 10 s
}

// Claims map a token to an actor. A name with dots reaches into objects
// ("realm_access.roles"), unless the token has a claim of that whole name.
// Empty is the default in brackets.
type Claims struct {
	User     string // (sub)
	Role     string // (role) a text, or a list of which the mightiest known one counts
	Domain   string // (domain)
	Projects string // (projects) a list, or a text separated by spaces or commas
	// Roles translates what the issuer calls roles; nil: they are ours. What is
	// not in it gives no role, and so no right but bound ones.
	Roles map[string]domain.Role
	// Superadmin permits tokens to carry that role.
	Superadmin bool
}

// Verifier verifies tokens. It is safe for concurrent use; the keys are fetched
// when a token needs one that is not known.
type Verifier struct {
	cfg    Config
	client *http.Client

	mu       sync.Mutex
	verifier *gooidc.IDTokenVerifier
}

// New checks the configuration and contacts nobody. Errors: invalid.
func New(c Config) (*Verifier, error) {
	for name, text := range map[string]string{"issuer": c.Issuer, "keys_url": cmp.Or(c.KeysURL, c.Issuer)} {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, domain.Invalid("oidc_invalid", name, "%s is a URL such as https://login.example.org, not %s", name, domain.Quote(text))
		}
	}
	if c.Audience == "" {
		return nil, domain.Invalid("oidc_invalid", "audience", "without an audience, every token of the issuer would be taken")
	}
	if c.Algorithms == nil {
		c.Algorithms = []string{"RS256", "ES256", "EdDSA"}
	}
	for _, a := range c.Algorithms {
		if strings.HasPrefix(a, "HS") || strings.EqualFold(a, "none") {
			return nil, domain.Invalid("oidc_invalid", "algorithms", "tokens are verified by public keys, not by %s", domain.Quote(a))
		}
	}
	c.Claims.User, c.Claims.Role = cmp.Or(c.Claims.User, "sub"), cmp.Or(c.Claims.Role, "role")
	c.Claims.Domain, c.Claims.Projects = cmp.Or(c.Claims.Domain, "domain"), cmp.Or(c.Claims.Projects, "projects")
	v := &Verifier{cfg: c, client: c.Client}
	if v.client == nil {
		v.client = &http.Client{Timeout: 10 * time.Second}
	}
	return v, nil
}

// longest is the longest token that is looked at, in bytes.
const longest = 16 << 10

// Authenticate returns the actor of a token. Errors: unauthenticated, reason
// token_invalid, for a token that is not good, without a word why; unavailable,
// reason issuer_unavailable, when the keys cannot be fetched.
func (v *Verifier) Authenticate(ctx context.Context, token string) (domain.Actor, error) {
	if len(token) > longest {
		return domain.Actor{}, refused(errors.New("the token is too long"))
	}
	verifier, err := v.ready(ctx)
	if err != nil {
		return domain.Actor{}, unavailable(err)
	}
	verified, err := verifier.Verify(gooidc.ClientContext(ctx, v.client), token)
	if err != nil {
		if fetching(err) {
			return domain.Actor{}, unavailable(err)
		}
		return domain.Actor{}, refused(err)
	}
	var claims map[string]json.RawMessage
	if err := verified.Claims(&claims); err != nil {
		return domain.Actor{}, refused(err)
	}
	a, err := v.cfg.Claims.actor(claims)
	if err != nil {
		return domain.Actor{}, refused(err)
	}
	return a, nil
}

// ready finds the issuer's keys, the first time that somebody asks.
func (v *Verifier) ready(ctx context.Context) (*gooidc.IDTokenVerifier, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verifier != nil {
		return v.verifier, nil
	}
	ctx = gooidc.ClientContext(ctx, v.client)
	keysURL := v.cfg.KeysURL
	if keysURL == "" {
		provider, err := gooidc.NewProvider(ctx, v.cfg.Issuer)
		if err != nil {
			return nil, err
		}
		var said struct {
			KeysURL string `json:"jwks_uri"`
		}
		if err := provider.Claims(&said); err != nil {
			return nil, err
		}
		keysURL = said.KeysURL
	}
	v.verifier = gooidc.NewVerifier(v.cfg.Issuer, gooidc.NewRemoteKeySet(ctx, keysURL), &gooidc.Config{
		ClientID: v.cfg.Audience, SupportedSigningAlgs: v.cfg.Algorithms,
	})
	return v.verifier, nil
}

// fetching reports whether the keys could not be had; the library says so in
// words only.
func fetching(err error) bool {
	return strings.Contains(err.Error(), "fetching keys")
}

func refused(err error) error {
	return &domain.Error{Code: domain.CodeUnauthenticated, Reason: "token_invalid", Message: "the token is not valid here", Op: "oidc", Err: err}
}

func unavailable(err error) error {
	return &domain.Error{Code: domain.CodeUnavailable, Reason: "issuer_unavailable", Message: "the issuer of tokens cannot be reached", Op: "oidc", Err: err}
}
