package oci

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wharf-project/wharf/domain"
)

const (
	maxTokenBytes = 256 << 10
	// defaultTokenLife is what the token specification says of a server that
	// does not tell.
	defaultTokenLife = 60 * time.Second
)

// fetch gets the token of a grant. A server that refuses many scopes at once is
// asked for the first alone, now and from then on.
func (a *authority) fetch(ctx context.Context, g *grant) error {
	a.mu.Lock()
	b := a.bearer
	a.mu.Unlock()
	if b == nil { // the registry turned to basic in between
		return domain.Errorf(domain.CodeUnavailable, reasonFailed, a.client.row.String(), "the registry changed the way it authorizes; try again")
	}
	started := time.Now()
	ans, q, err := a.request(ctx, b, append(slices.Clone(g.wanted), g.mates...))
	if err == nil && len(g.mates) > 0 && ans.status >= 400 && ans.status < 500 && ans.status != http.StatusTooManyRequests {
		if ans, q, err = a.request(ctx, b, g.wanted); err == nil && ans.status == http.StatusOK {
			a.mu.Lock()
			a.alone = true
			a.mu.Unlock()
		}
		g.mates = nil
	}
	if err != nil || ans.status != http.StatusOK {
		return a.client.translate(ctx, opAuthorize, q, ans, err)
	}
	var body struct {
		Token       string  `json:"token"`
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(ans.body, &body); err != nil {
		return a.client.malformed(opAuthorize, q, "a token response that is not JSON")
	}
	if g.token = body.Token; g.token == "" {
		g.token = body.AccessToken
	}
	if g.token == "" {
		return a.client.malformed(opAuthorize, q, "a token response without a token")
	}
	life := defaultTokenLife
	if body.ExpiresIn > 0 && body.ExpiresIn < 365*24*3600 {
		life = time.Duration(body.ExpiresIn * float64(time.Second))
	}
	g.renewAt = started.Add(life * 3 / 4)
	return nil
}

// request asks the token server for scopes. Credentials go along, for the realm
// was found worthy of them when it was learnt.
func (a *authority) request(ctx context.Context, b *bearer, scopes []string) (answer, query, error) {
	u := *b.realm
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		params = url.Values{}
	}
	if b.service != "" {
		params.Set("service", b.service)
	}
	for _, s := range scopes {
		params.Add("scope", s)
	}
	u.RawQuery = params.Encode()
	q := query{subject: aboutToken, method: http.MethodGet, on: a.client.row.String(), limit: maxTokenBytes, scope: strings.Join(scopes, " ")}
	ans, err := a.client.persist(ctx, q.method, func() (answer, error) {
		h := http.Header{}
		if a.hasCredentials() {
			h.Set("Authorization", a.basicCredential().header())
		}
		return a.client.once(ctx, q.method, &u, h, q.limit)
	})
	return ans, q, err
}
