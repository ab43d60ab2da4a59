package oci_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const (
	user     = "scanner"
	password = "correct horse"
)

// tokens is a registry with a token server at the same host, which grants what
// is asked for unless it is told not to.
type tokens struct {
	*server
	inner http.Handler

	anonymous bool                        // credentials are not asked for
	hides     bool                        // what a token does not cover is 404
	firstOnly bool                        // a token is good for the first scope alone
	oneScope  bool                        // several scopes are refused
	denied    string                      // a repository that no token is good for
	life      int                         // of tokens, in seconds; 0: not told
	realm     string                      // another realm than its own
	tokenFail func(w http.ResponseWriter) // how the token server fails
	challenge string                      // another challenge

	lock    sync.Mutex
	granted map[string][]string // token -> scopes
	issued  int
}

func newTokens(tb testing.TB, inner http.Handler) *tokens {
	tb.Helper()
	t := &tokens{inner: inner, granted: map[string][]string{}}
	t.server = serve(tb, t)
	return t
}

// revoke makes all tokens worthless.
func (t *tokens) revoke() {
	t.lock.Lock()
	defer t.lock.Unlock()
	clear(t.granted)
}

func (t *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		t.issue(w, r)
		return
	}
	need := scopeOf(r)
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	t.lock.Lock()
	scopes, valid := t.granted[token]
	t.lock.Unlock()
	for _, s := range scopes {
		if need != "" && strings.HasPrefix(s, need) && (t.denied == "" || !strings.Contains(need, ":"+t.denied+":")) {
			t.inner.ServeHTTP(w, r)
			return
		}
	}
	if valid && t.hides {
		fail(w, http.StatusNotFound, "NAME_UNKNOWN")
		return
	}
	realm := t.realm
	if realm == "" {
		realm = "http://" + r.Host + "/token"
	}
	c := fmt.Sprintf(`Bearer realm="%s",service="registry.test",scope="%s"`, realm, need)
	if valid {
		c += `,error="insufficient_scope"`
	}
	if t.challenge != "" {
		c = t.challenge
	}
	w.Header().Set("Www-Authenticate", c)
	fail(w, http.StatusUnauthorized, "UNAUTHORIZED")
}

func (t *tokens) issue(w http.ResponseWriter, r *http.Request) {
	if u, p, ok := r.BasicAuth(); t.tokenFail == nil && !t.anonymous && (!ok || u != user || p != password) {
		fail(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	scopes := r.URL.Query()["scope"]
	switch {
	case t.tokenFail != nil:
		t.tokenFail(w)
		return
	case t.oneScope && len(scopes) > 1:
		fail(w, http.StatusBadRequest, "UNSUPPORTED")
		return
	case t.firstOnly:
		scopes = scopes[:1]
	}
	t.lock.Lock()
	t.issued++
	token := fmt.Sprintf("token-%d", t.issued)
	t.granted[token] = scopes
	t.lock.Unlock()
	body := map[string]any{"access_token": token}
	if t.life > 0 {
		body["expires_in"] = t.life
	}
	_ = json.NewEncoder(w).Encode(body)
}

func scopeOf(r *http.Request) string {
	path, _ := strings.CutPrefix(r.URL.Path, "/v2/")
	switch path {
	case "":
		return ""
	case "_catalog":
		return "registry:catalog:*"
	}
	for _, part := range []string{"/manifests/", "/blobs/", "/tags/"} {
		if repo, _, found := strings.Cut(path, part); found {
			if r.Method == http.MethodDelete {
				return "repository:" + repo + ":pull,delete"
			}
			if r.Method == http.MethodPost || r.Method == http.MethodPut {
				return "repository:" + repo + ":pull,push"
			}
			return "repository:" + repo + ":pull"
		}
	}
	return "?"
}
