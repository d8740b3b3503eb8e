package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/redaction"
	"github.com/nsc-federation/nsc/internal/trace"
)

// oauthEndpoint is an endpoint whose errors are those of OAuth. By its type the address is known to be one of OAuth's, so that
// what is refused before it runs is refused in its words, too.
type oauthEndpoint struct {
	h   *handler
	run endpoint
}

func (h *handler) oauth(run endpoint) http.Handler { return oauthEndpoint{h, run} }

// ServeHTTP runs the endpoint.
func (o oauthEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := o.run(w, r); err != nil {
		o.h.oauthError(w, r, err)
	}
}

// refuse answers what no endpoint has seen, in the form that the address speaks.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, f *fault.Fault) {
	if h.speaksOAuth(r) {
		h.oauthError(w, r, f)
		return
	}
	h.problem(w, f)
}

// speaksOAuth reports whether a request's address is that of an OAuth endpoint, by whatever method it came.
func (h *handler) speaksOAuth(r *http.Request) bool {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		served, _ := h.served(r, method)
		if _, ok := served.(oauthEndpoint); ok {
			return true
		}
	}
	return false
}

// asksForToken reports whether a request is one for a token.
func (h *handler) asksForToken(r *http.Request) bool {
	_, pattern := h.served(r, r.Method)
	return strings.HasPrefix(pattern, http.MethodPost) && strings.HasSuffix(pattern, "/token")
}

// oauthError is the error answer of RFC 6749 §5.2, with the ID by which an administrator finds the cause.
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Code        string `json:"code"`
	Refusal     string `json:"refusal_id,omitempty"`
}

func (h *handler) oauthError(w http.ResponseWriter, r *http.Request, err error) {
	f := h.identified(r, err)
	trace.Refused(r.Context(), f)
	code := f.OAuth()
	if a, ok := err.(assertionError); ok {
		code = a.code()
	}
	retryAfter(w.Header(), f)
	if challenge := h.challenge(f, r.Header.Get("Authorization")); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, f.Status(), oauthError{code, redaction.Text(f.Text()), string(f.Code), f.Refusal})
}

// identified returns a fault that has an ID. One that was found before the path of tokens began, which gives its own, gets
// it here, and the log has the cause under it: in our own words, since a token may stand wherever a caller writes.
func (h *handler) identified(r *http.Request, err error) *fault.Fault {
	f, gone := faultOf(r.Context(), err)
	if f.Refusal != "" {
		return f
	}
	f.Refusal = id.New(time.Now())
	log := h.Log.With("route", route(r), "code", f.Code, "refusal_id", f.Refusal)
	switch {
	case gone:
		log.Debug("a client went away", "error", f)
	case f.Code == fault.Internal:
		log.Error("a request failed", "error", f)
	case h.refusals.Take("") == nil: // anybody can make these up
		log.Info("a request was refused", "cause", f.Gist())
	}
	return f
}

// assertionError is a fault of RFC 7523's grant, where an assertion that is not accepted is invalid_grant (§3.1).
type assertionError struct{ *fault.Fault }

func (a assertionError) Unwrap() error { return a.Fault }

func (a assertionError) code() string {
	switch a.Code {
	case fault.TokenMalformed, fault.TokenTooLarge, fault.TokenAlgorithm, fault.TokenExpired, fault.TokenNotYetValid,
		fault.TokenIncomplete, fault.TokenLifetime, fault.TokenReplayed, fault.TokenRefused:
		return "invalid_grant"
	}
	return a.OAuth()
}
