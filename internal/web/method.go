package web

import (
	"net/http"
	"strings"

	"github.com/nsc-federation/nsc/internal/fault"
)

// methods are those that any of our addresses takes. GET includes HEAD.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// unknown answers what no route matched: with the methods that the address takes where it is one of ours.
func (h *handler) unknown(w http.ResponseWriter, r *http.Request) {
	allowed := h.methodsOf(r)
	switch {
	case len(allowed) == 0:
		f := fault.Newf(fault.NotFound, "no route for %s %s", r.Method, r.URL.Path)
		f.Detail = "there is nothing at this address; a workspace's endpoints are listed at <issuer>/.well-known/openid-configuration, " +
			"those of the management API at " + apiRoot
		h.refuse(w, r, f)
	case r.Method == http.MethodOptions: // RFC 9110 §9.3.7; no other origin may call us from a browser
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		w.WriteHeader(http.StatusNoContent)
	default: // RFC 9110 §15.5.6
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		h.refuse(w, r, fault.Newf(fault.MethodNotAllowed, "%s %s", r.Method, r.URL.Path))
	}
}

// methodsOf returns the methods that a request's address takes; none where it is not one of ours.
func (h *handler) methodsOf(r *http.Request) (allowed []string) {
	for _, method := range methods {
		if _, pattern := h.served(r, method); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		allowed = append(allowed, http.MethodOptions)
	}
	return allowed
}

// served returns what serves a request's address where it comes by a method, and the pattern that finds it.
func (h *handler) served(r *http.Request, method string) (http.Handler, string) {
	return h.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host})
}
