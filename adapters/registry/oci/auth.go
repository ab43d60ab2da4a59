package oci

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// authority authorizes the requests of one client: nothing, basic, or bearer,
// as the registry's challenges say.
type authority struct {
	client *Client
	guard  *guard

	mu     sync.Mutex
	basic  bool
	bearer *bearer           // where tokens are, once a challenge told
	grants map[string]*grant // by scope; a grant of many scopes is there many times
	order  []string          // repositories that will be asked about
	place  map[string]int    // their index in order
	alone  bool              // the token server honours one scope at a time
}

type bearer struct {
	realm   *url.URL
	service string
}

// credential is what one request was sent with; the zero value is nothing.
type credential struct {
	basic string
	grant *grant
}

func newAuthority(c *Client, g *guard) *authority {
	return &authority{client: c, guard: g, grants: map[string]*grant{}, place: map[string]int{}}
}

func (a *authority) hasCredentials() bool { return a.client.row.Username != "" }

// send runs once with authorization for scope, and a second time with a new one
// when the registry refuses the first. To a token for many repositories that was
// not yet seen to work, 403 and 404 may be refusals too: some registries hide
// what a token does not cover.
func (a *authority) send(ctx context.Context, scope string, once func(authorization string) (answer, error)) (answer, error) {
	used, err := a.credential(ctx, scope)
	if err != nil {
		return answer{}, err
	}
	ans, err := once(used.header())
	refused := ans.status == http.StatusUnauthorized
	doubtful := !used.mayBatch(scope) && (ans.status == http.StatusForbidden || ans.status == http.StatusNotFound)
	if err != nil || ans.foreign || !refused && !doubtful {
		used.proves(scope, ans)
		return ans, err
	}
	var renewed credential
	again := doubtful
	if refused {
		renewed, again, err = a.renew(ctx, scope, used, ans.header)
	} else {
		renewed.grant, err = a.grant(ctx, ask{key: scope, wanted: strings.Fields(scope), refused: used.grant})
	}
	if err != nil {
		return answer{}, err
	}
	if !again {
		return ans, nil
	}
	ans, err = once(renewed.header())
	if err == nil {
		a.compare(scope, used, renewed, ans)
	}
	return ans, err
}

// credential returns what to send for scope, as far as is known.
//
// With credentials the registry is asked once how it wants them: some answer an
// anonymous catalogue request with the public part instead of a challenge.
// Without, the first challenge is soon enough.
func (a *authority) credential(ctx context.Context, scope string) (credential, error) {
	if a.hasCredentials() {
		if _, err := a.grant(ctx, ask{key: pingKey}); err != nil {
			return credential{}, err
		}
	}
	a.mu.Lock()
	basic, bearer := a.basic, a.bearer
	a.mu.Unlock()
	switch {
	case basic:
		return a.basicCredential(), nil
	case bearer == nil:
		return credential{}, nil
	}
	g, err := a.grant(ctx, ask{key: scope, wanted: strings.Fields(scope), batch: true})
	return credential{grant: g}, err
}

// renew returns what to send after a 401; false when there is nothing better
// than what was used.
func (a *authority) renew(ctx context.Context, scope string, used credential, h http.Header) (credential, bool, error) {
	wanted, usable, err := a.learn(h)
	if err != nil || !usable {
		return credential{}, false, err
	}
	a.mu.Lock()
	basic := a.basic
	a.mu.Unlock()
	if basic {
		return a.basicCredential(), used.basic == "", nil
	}
	pushes := func(s string) bool { return strings.Contains(s, "push") }
	if len(wanted) == 0 || pushes(scope) && !slices.ContainsFunc(wanted, pushes) { // the challenge of a look names the right to look
		wanted = strings.Fields(scope)
	}
	g, err := a.grant(ctx, ask{key: scope, wanted: wanted, batch: used.mayBatch(scope), refused: used.grant})
	return credential{grant: g}, err == nil, err
}

// learn takes the first challenge that can be met, and returns the scopes that
// it names.
func (a *authority) learn(h http.Header) (wanted []string, usable bool, err error) {
	for _, ch := range parseChallenges(h.Values("Www-Authenticate")) {
		switch ch.scheme {
		case "basic":
			if a.hasCredentials() {
				a.mu.Lock()
				a.basic, a.bearer = true, nil
				a.mu.Unlock()
				return nil, true, nil
			}
		case "bearer":
			realm, refused := a.checkRealm(ch.params["realm"])
			if refused != nil {
				err = refused // unless another challenge will do
				continue
			}
			a.mu.Lock()
			a.basic, a.bearer = false, &bearer{realm: realm, service: ch.params["service"]}
			a.mu.Unlock()
			return strings.Fields(ch.params["scope"]), true, nil
		}
	}
	return nil, false, err
}

// ping asks how the registry wants to be authorized.
func (a *authority) ping(ctx context.Context) error {
	q := query{subject: aboutPing, method: http.MethodGet, on: a.client.row.String(), limit: maxErrorBytes}
	u := a.client.base.ResolveReference(&url.URL{Path: "/v2/"})
	ans, err := a.client.persist(ctx, q.method, func() (answer, error) {
		return a.client.once(ctx, q.method, u, http.Header{}, q.limit)
	})
	if err == nil && ans.status == http.StatusUnauthorized && !ans.foreign {
		_, _, err = a.learn(ans.header)
		return err
	}
	if err == nil && ans.status < http.StatusInternalServerError && ans.status != http.StatusTooManyRequests {
		return nil // no challenge: what is refused will tell
	}
	return a.client.translate(ctx, opAuthorize, q, ans, err)
}

func (a *authority) basicCredential() credential {
	row := a.client.row
	return credential{basic: base64.StdEncoding.EncodeToString([]byte(row.Username + ":" + row.Password.Reveal()))}
}

func (c credential) header() string {
	switch {
	case c.basic != "":
		return "Basic " + c.basic
	case c.grant != nil:
		return "Bearer " + c.grant.token
	}
	return ""
}
