package rest

import (
	"embed"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wharf-project/wharf/domain"
)

// page is the documentation for people: it shows /openapi.json and loads
// nothing from elsewhere.
//
//go:embed page
var page embed.FS

// addPages serves the OpenAPI document, as it is now, and the page that shows
// it.
func (s *server) addPages() error {
	asJSON, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return domain.Internal("openapi", err)
	}
	asYAML, err := s.api.OpenAPI().YAML()
	if err != nil {
		return domain.Internal("openapi", err)
	}
	s.addFile("/openapi.json", "application/json", asJSON)
	s.addFile("/openapi.yaml", "application/yaml", asYAML)
	for _, f := range []struct{ path, name, media string }{
		{"/docs", "index.html", "text/html; charset=utf-8"},
		{"/docs/docs.js", "docs.js", "text/javascript; charset=utf-8"},
		{"/docs/docs.css", "docs.css", "text/css; charset=utf-8"},
	} {
		body, err := page.ReadFile("page/" + f.name)
		if err != nil {
			return domain.Internal("docs", err)
		}
		s.addFile(f.path, f.media, body)
	}
	return nil
}

func (s *server) addFile(path, media string, body []byte) {
	s.handle(&huma.Operation{Method: http.MethodGet, Path: path}, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", media)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(body) // the client may be gone
	})
}
