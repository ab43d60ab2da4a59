package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/wharf-project/wharf/domain"
)

// Bearer authenticates by the Authorization header: keys, which begin with
// keyPrefix, by one way, all other tokens by the other. A nil way refuses.
func Bearer(keyPrefix string, key, token func(ctx context.Context, text string) (domain.Actor, error)) func(context.Context, *http.Request) (domain.Actor, error) {
	return func(ctx context.Context, r *http.Request) (domain.Actor, error) {
		given := r.Header.Values("Authorization")
		if len(given) == 0 {
			return domain.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "credentials_missing", "", "authentication is required: a bearer token, or a key")
		}
		scheme, text, _ := strings.Cut(given[0], " ")
		text = strings.TrimSpace(text)
		if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") || text == "" {
			return domain.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "credentials_malformed", "", "the Authorization header is: Bearer TOKEN")
		}
		way := token
		if strings.HasPrefix(text, keyPrefix) {
			way = key
		}
		if way == nil {
			return domain.Actor{}, domain.Errorf(domain.CodeUnauthenticated, "token_invalid", "", "the token is not valid here")
		}
		return way(ctx, text)
	}
}
