package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/wharf-project/wharf/adapters/app"
	"github.com/wharf-project/wharf/adapters/graphql"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/service"
)

// captured remembers the text of every statement.
type captured struct {
	mu   sync.Mutex
	text []string
}

func (*captured) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (c *captured) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, e.Query)
}

func (c *captured) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := c.text
	c.text = nil
	return text
}

// capture returns the statements of each query, from the key to the answer: as
// the server composes them, but with a store that is watched. Both caches are
// warm: the policy is known, and the use of the key has been noted.
func capture(tb testing.TB, cfg app.Config, key string, queries ...string) [][]string {
	tb.Helper()
	a, err := app.Open(tb.Context(), cfg)
	require.NoError(tb, err)
	defer a.Close()
	seen := &captured{}
	a.Store.AddQueryHook(seen)
	gql := graphql.New(a.ImageService, graphql.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, err := service.AuthenticateKey(r.Context(), a.ImageService, domain.Secret(key))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		gql.ServeHTTP(w, r.WithContext(domain.WithActor(r.Context(), actor)))
	}))
	defer server.Close()
	list := make([][]string, len(queries))
	for range 2 {
		for i, query := range queries {
			seen.take()
			require.NoError(tb, ask(tb.Context(), http.DefaultClient, server.URL, key, query))
			list[i] = seen.take()
		}
	}
	return list
}

// ask sends a query and reads the answer to its end.
func ask(ctx context.Context, client *http.Client, url, key, query string) error {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if n := bytes.Count(text, []byte(`"cursor":`)); res.StatusCode != http.StatusOK || n != apiPage || bytes.Contains(text, []byte(`"errors":`)) {
		return fmt.Errorf("status %d, %d images: %.500s", res.StatusCode, n, text)
	}
	return nil
}
