package oci

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// maxPageBytes bounds one page of a listing. Some registries ignore the page
// size and send everything.
const maxPageBytes = 32 << 20

// listing walks the pages of one listing and yields every name once.
type listing struct {
	client *Client
	op     string
	query  query
	parse  func(body []byte) (names []string, ok bool)
	page   func(names []string) // told before the names are yielded; may be nil

	seen    map[string]bool
	last    [2]string // the last two names, the last one first
	visited map[string]bool
}

// step is why a page was asked for.
type step int

const (
	plain   step = iota // it is the first one, or a link led to it
	further             // to see whether anything follows a page that was exactly full
	smaller             // to see whether the page size means anything to the registry
)

// run yields until the listing is complete, yield returns false, or something is
// wrong. A registry may page in three ways: not at all, by Link headers, or by
// expecting the client to go on after a full page.
func (l *listing) run(ctx context.Context, yield func(name string) bool) error {
	c, size, now := l.client, l.client.options.PageSize, plain
	l.seen, l.visited = map[string]bool{}, map[string]bool{}
	u := l.at(url.Values{"n": {strconv.Itoa(size)}})
	for pages := 1; pages <= c.options.MaxPages; pages++ {
		l.visited[u.RequestURI()] = true
		q := l.query
		q.path, q.rawQuery = u.Path, u.RawQuery
		a, err := c.ask(ctx, q)
		if err == nil && a.status == http.StatusBadRequest && pages == 1 {
			size, u = 0, l.at(nil) // it refuses this page size; it may choose
			continue
		}
		if err != nil || a.status != http.StatusOK {
			return c.translate(ctx, l.op, q, a, err)
		}
		names, ok := l.parse(a.body)
		if !ok {
			return c.malformed(l.op, l.query, "something that is not a listing")
		}
		fresh, repeated := l.sift(names)
		switch {
		case now == further && repeated > 1: // it started over
			u, now = l.at(url.Values{"n": {strconv.Itoa(size - 1)}}), smaller
			continue
		case now == smaller && len(names) < size:
			return c.malformed(l.op, l.query, "the beginning of a listing where its continuation was asked for; a larger page size may help")
		}
		if l.page != nil {
			l.page(fresh)
		}
		for _, name := range fresh {
			if !yield(name) {
				return nil
			}
		}

		if link := nextLink(a.header.Values("Link")); link != "" {
			next, own := c.follow(c.base.ResolveReference(u), link)
			if !own {
				return c.malformed(l.op, l.query, "a listing that continues at another host")
			}
			if l.visited[next.RequestURI()] || len(names) > 0 && len(fresh) == 0 {
				return c.malformed(l.op, l.query, "a listing that never ends")
			}
			u, now = next, plain
			continue
		}
		// By the specification a page that is not full is the last one. A full one may be the last or not. To see, go on
		// from the last name but one: the answer then holds the last name, and so shows that the registry understood.
		// (Asked to go on from the last name, some registries start over, and so do all that ignore the question.)
		if now == smaller || size == 0 || len(names) != size || len(fresh) == 0 {
			return nil
		}
		u, now = l.at(url.Values{"n": {strconv.Itoa(size)}, "last": {l.last[1]}}), further
	}
	return c.malformed(l.op, l.query, "a listing of more than %d pages", c.options.MaxPages)
}

func (l *listing) at(params url.Values) *url.URL {
	return &url.URL{Path: l.query.path, RawQuery: params.Encode()}
}

// sift returns the names that were not seen before, and counts the others. A
// name may come twice when something is pushed between two pages.
func (l *listing) sift(names []string) (fresh []string, repeated int) {
	for _, name := range names {
		if l.seen[name] {
			repeated++
			continue
		}
		l.seen[name] = true
		l.last = [2]string{name, l.last[0]}
		fresh = append(fresh, name)
	}
	return fresh, repeated
}

// parseNames reads {key: [names]}. Null is an empty list; a document without the
// key is no listing, unless it has the alternative key (a registry may leave an
// empty list out). What proxies and login pages send must not look empty.
func parseNames(body []byte, key, alternative string) ([]string, bool) {
	var doc map[string]json.RawMessage
	if json.Unmarshal(body, &doc) != nil || doc == nil {
		return nil, false
	}
	list, found := doc[key]
	if !found {
		_, found = doc[alternative]
		return nil, found
	}
	var names []string
	err := json.Unmarshal(list, &names)
	return names, err == nil
}
