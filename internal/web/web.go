// Package web is nsc over HTTP: the OpenID and OAuth endpoints of each workspace, the management API, and the one place
// where an error becomes an answer. It parses requests into the types of sts and manage, calls them, and renders what
// they return; it decides nothing.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/limit"
	"github.com/nsc-federation/nsc/internal/manage"
	"github.com/nsc-federation/nsc/internal/metrics"
	"github.com/nsc-federation/nsc/internal/rehearse"
	"github.com/nsc-federation/nsc/internal/sts"
	"github.com/nsc-federation/nsc/internal/trace"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// Tokens issues tokens and recognises callers.
type Tokens interface {
	Exchange(ctx context.Context, req sts.Request) (sts.Answer, error)
	Authenticate(ctx context.Context, name, token string) (identity.Identity, *workspace.Snapshot, error)
	Caller(ctx context.Context, token string) (identity.Identity, error)
	Introspect(ctx context.Context, name, credential, token string) (identity.Identity, bool, error)
	Held(ctx context.Context, name, token string) (identity.Identity, error)
}

// Keys publishes key sets, from memory.
type Keys interface {
	JWKS(ctx context.Context, workspaceID string) (keys.Document, error)
	Algorithms(ctx context.Context, workspaceID string) ([]jwt.Algorithm, error)
}

// Workspaces finds workspaces by name, from memory.
type Workspaces interface {
	ByName(ctx context.Context, name string) (*workspace.Snapshot, error)
	NameOf(issuer string) (string, bool)
	Remembers(name string) bool // whether ByName answers without asking the database
	Forget(workspaceID string)
}

// Config is what the handler serves.
type Config struct {
	BaseURL    string
	Tokens     Tokens
	Keys       Keys
	Workspaces Workspaces
	Manage     *manage.Service
	Rehearse   *rehearse.Service
	Ready      func(ctx context.Context) error
	Hosts      []string // the Host headers that are answered; nil is all (rule 36: nsc dev names its own)
	Log        *slog.Logger

	Addresses      *limit.Buckets // requests by address (/64 for IPv6), before anything is verified (rule 24)
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Metrics        *metrics.Metrics
	Traces         *trace.Tracer // nil traces nothing
	Draining       func() bool   // whether the server is about to stop; nil is never

	PublicCheckpoints bool // anybody may read the logs' checkpoints (rule 7)
}

type handler struct {
	Config
	mux       *routes
	reference *reference
	refusals  *limit.Buckets // lines in the log
	documents documents
	turns     turns // of those who were overtaken
}

// endpoint is a handler whose error is rendered in one place.
type endpoint func(w http.ResponseWriter, r *http.Request) error

//go:generate go run ./gendocs ../../docs/reference

// New returns the handler of everything that nsc serves on its listener.
func New(c Config) http.Handler {
	h := &handler{Config: c, mux: newRoutes(c.Metrics), documents: newDocuments(), refusals: limit.New(10)}
	h.mux.Handle("GET /w/{workspace}/.well-known/openid-configuration", h.oauth(h.discovery))
	h.mux.Handle("GET /.well-known/oauth-authorization-server/w/{workspace}", h.oauth(h.discovery)) // RFC 8414 §3.1
	h.mux.Handle("GET /w/{workspace}/.well-known/oauth-authorization-server", h.oauth(h.discovery)) // where many clients look
	h.mux.Handle("GET /w/{workspace}/jwks", h.oauth(h.jwks))
	h.mux.Handle("POST /w/{workspace}/token", h.oauth(h.token))
	h.mux.Handle("POST /token", h.oauth(h.token))
	h.mux.Handle("POST /w/{workspace}/introspect", h.oauth(h.introspect))
	h.mux.Handle("POST /w/{workspace}/revoke", h.oauth(h.revoke))
	h.mux.Handle("GET /w/{workspace}/log/checkpoint", h.oauth(h.checkpoint))
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	h.mux.HandleFunc("GET /readyz", h.ready)
	h.api()
	h.mux.HandleFunc("/", h.unknown)
	return h.recover(h.guardHost(h.observe(h.mux)))
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	if err := h.Ready(r.Context()); err != nil {
		h.Log.Warn("not ready", "error", err)
		writeText(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// guardHost refuses requests for other hosts than ours: a page in a browser can name any host for a loopback address.
func (h *handler) guardHost(next http.Handler) http.Handler {
	if h.Hosts == nil {
		return next
	}
	allowed := make(map[string]bool, len(h.Hosts))
	for _, host := range h.Hosts {
		allowed[strings.ToLower(host)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowed[strings.ToLower(r.Host)] {
			http.Error(w, "nsc dev answers to "+strings.Join(h.Hosts, ", ")+" only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recover turns a bug into a 500 and a line in the log, without ending the other requests.
func (h *handler) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				f := fault.Newf(fault.Internal, "panic")
				f.Refusal = id.New(time.Now())
				h.Log.Error("a request ended in a panic", "path", r.URL.Path, "refusal_id", f.Refusal, "panic", p, "stack", string(debug.Stack()))
				h.refuse(w, r, f)
			}
		}()
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// snapshot returns the workspace that the path names. What is served from memory has no limit, and what asks the database
// has: anybody can make names up.
func (h *handler) snapshot(r *http.Request) (*workspace.Snapshot, error) {
	name := r.PathValue("workspace")
	if r.Method == http.MethodGet && workspace.CheckName(name) == nil && !h.Workspaces.Remembers(name) {
		if err := h.limited(r); err != nil {
			return nil, err
		}
	}
	return h.byName(r.Context(), name)
}

func (h *handler) byName(ctx context.Context, name string) (*workspace.Snapshot, error) {
	if workspace.CheckName(name) != nil {
		return nil, fault.Newf(fault.NotFound, "a workspace of a name that none can have")
	}
	s, err := h.Workspaces.ByName(ctx, name)
	if fault.Is(err, fault.NotFound) {
		f := fault.New(fault.NotFound, err)
		f.Detail = "there is no workspace of this name"
		return nil, f
	}
	if err == nil {
		trace.Workspace(ctx, s.Name)
	}
	return s, err
}
