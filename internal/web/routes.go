package web

import (
	"net/http"

	"github.com/nsc-federation/nsc/internal/metrics"
)

// noRoute is the label of requests that no route matched.
const noRoute = "none"

// routes is a mux whose routes are in the metrics before anybody asks for one.
type routes struct {
	*http.ServeMux
	metrics *metrics.Metrics
}

func newRoutes(m *metrics.Metrics) *routes {
	m.Route(noRoute)
	return &routes{http.NewServeMux(), m}
}

// Handle serves a pattern.
func (r *routes) Handle(pattern string, served http.Handler) {
	if pattern != "/" {
		r.metrics.Route(pattern)
	}
	r.ServeMux.Handle(pattern, served)
}

// HandleFunc serves a pattern.
func (r *routes) HandleFunc(pattern string, served func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(served))
}

// route returns the pattern that a request matched, for a label.
func route(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return noRoute
	}
	return r.Pattern
}
