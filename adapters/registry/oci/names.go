package oci

import (
	"context"
	"iter"
	"net/http"

	"github.com/wharf-project/wharf/domain"
)

// Repositories yields the repositories of the row: those inside its project,
// where "a" is not the project of "ab/x". Names come as the registry has them,
// also those that no reference could spell.
func (c *Client) Repositories(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := domain.RefuseInTx(ctx, opRepositories); err != nil {
			yield("", err)
			return
		}
		c.auth.restart()
		l := listing{
			client: c, op: opRepositories,
			query: query{subject: aboutCatalog, method: http.MethodGet, path: "/v2/_catalog", scope: scopeCatalog, limit: maxPageBytes, on: c.row.String()},
			parse: func(body []byte) ([]string, bool) { return parseNames(body, "repositories", "repositories") },
			page: func(names []string) {
				inside := make([]string, 0, len(names))
				for _, n := range names {
					if c.inside(n) {
						inside = append(inside, n)
					}
				}
				c.auth.expect(inside)
			},
		}
		more := true
		err := l.run(ctx, func(name string) bool {
			if c.inside(name) {
				more = yield(name, nil)
			}
			return more
		})
		if err != nil && more {
			yield("", err)
		}
	}
}

func (c *Client) inside(repo string) bool {
	_, err := domain.Reference{Path: repo}.Within(c.row.Project)
	return err == nil
}

// Tags yields the tags of a repository; their digests are not known from here.
// A repository that the registry lists and then does not know is
// repository_not_found: what that means is for the caller to judge.
func (c *Client) Tags(ctx context.Context, repo string) iter.Seq2[domain.TagRow, error] {
	return func(yield func(domain.TagRow, error) bool) {
		err := domain.RefuseInTx(ctx, opTags)
		if err == nil {
			err = domain.ValidateRepositoryPath(repo)
		}
		if err != nil {
			yield(domain.TagRow{}, err)
			return
		}
		l := listing{
			client: c, op: opTags,
			query: query{subject: aboutTags, method: http.MethodGet, path: "/v2/" + repo + "/tags/list", scope: scopePull(repo), limit: maxPageBytes, on: domain.JoinPath(c.row.Name, repo)},
			parse: func(body []byte) ([]string, bool) { return parseNames(body, "tags", "name") },
		}
		more := true
		err = l.run(ctx, func(tag string) bool {
			more = yield(domain.TagRow{Tag: tag}, nil)
			return more
		})
		if err != nil && more {
			yield(domain.TagRow{}, err)
		}
	}
}
