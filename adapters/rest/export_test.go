package rest

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Document is what the handler tells about itself.
func Document(h http.Handler) *huma.OpenAPI { return h.(*server).api.OpenAPI() }

// PathOf is where an action is served.
func PathOf(action string) string { return pathOf(action) }
