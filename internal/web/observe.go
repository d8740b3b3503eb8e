package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
)

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes that the status is 200 where none was given.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type originKey struct{}

// address returns who sent the request, as observe found out.
func address(r *http.Request) string {
	if from := addressOf(r); from.IsValid() {
		return from.String()
	}
	return ""
}

func addressOf(r *http.Request) netip.Addr {
	from, _ := r.Context().Value(originKey{}).(netip.Addr)
	return from
}

// observe finds out where a request came from, holds it against the address's limit, and counts how it ended.
func (h *handler) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		from := origin(r, h.TrustedProxies)
		ctx, span := h.Traces.Request(r.Context(), r.Header)
		r = r.WithContext(context.WithValue(ctx, originKey{}, from))
		answer := &statusWriter{ResponseWriter: w}
		if h.Draining != nil && h.Draining() {
			w.Header().Set("Connection", "close") // this node is leaving; the next request goes elsewhere
		}
		if err := h.limit(r); err != nil {
			f := fault.From(err)
			if h.asksForToken(r) {
				h.Metrics.Refused(string(f.Code))
			}
			h.refuse(answer, r, f)
		} else {
			next.ServeHTTP(answer, r)
		}
		h.Metrics.Request(route(r), answer.status, time.Since(began))
		span.Answered(route(r), answer.status)
	})
}

// limit holds a request against its address's limit. What is served from memory to anybody is not: a cluster that cannot
// have the keys lets nobody in.
func (h *handler) limit(r *http.Request) error {
	if r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/api/") {
		return nil
	}
	return h.limited(r)
}

// limited holds a request against its address's limit.
func (h *handler) limited(r *http.Request) error {
	err := h.Addresses.Take(bucketOf(addressOf(r)))
	if err != nil {
		h.Metrics.Limited("address")
	}
	return err
}
