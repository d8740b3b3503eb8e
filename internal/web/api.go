package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/trace"
)

// Where the management API lives. Every path below apiBase names its workspace.
const (
	apiRoot = "/api/v1/"
	apiBase = "/api/v1/workspaces"
)

// library sets the globals of the API library, which are the same for every handler: errors are our problems, and the
// names of members are case-sensitive, because {"grants": …, "GRANTS": …} must not be checked as one and read as the other.
var library = sync.OnceFunc(func() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return newProblem(requestFault(status, message, errs))
	}
	huma.ValidateStrictCasing = true
})

// Call is what every call of the management API has: the workspace, the bearer token, and where it came from.
type Call struct {
	Origin
	Workspace     string `path:"workspace" doc:"Name of the workspace" example:"acme"`
	Authorization string `header:"Authorization" hidden:"true"` // described as a security scheme
}

// Origin is where a call came from, and the path that it is a call to.
type Origin struct{ address, path string }

// Resolve notes where the call came from.
func (o *Origin) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	o.address, o.path = address(r), r.URL.EscapedPath()
	return nil
}

// below returns the path of a place in the collection that the call is to, "" for none.
func (o *Origin) below(place string) string {
	if place == "" {
		return ""
	}
	return o.path + "/" + place
}

// answer is an answer that is nothing but its body.
type answer[T any] struct{ Body T }

// nothing is an answer without a body.
type nothing struct{}

// bearer returns the token of an Authorization header (RFC 6750 §2.1).
func bearer(header string) (string, error) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", fault.New(fault.Unauthenticated, errNoToken)
	}
	return strings.TrimSpace(token), nil
}

// caller returns who makes a call, in the workspace that the path names.
func (h *handler) caller(ctx context.Context, c Call) (identity.Identity, error) {
	token, err := bearer(c.Authorization)
	if err != nil {
		return identity.Identity{}, err
	}
	if _, err := h.byName(ctx, c.Workspace); err != nil {
		return identity.Identity{}, err
	}
	caller, _, err := h.Tokens.Authenticate(ctx, c.Workspace, token)
	return caller, err
}

// serve registers an operation whose answer is nothing but its body.
func serve[I, T any](h *handler, api huma.API, op operation, run func(context.Context, *I) (T, error)) {
	respond(h, api, op, func(ctx context.Context, in *I) (*answer[T], error) {
		body, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		return &answer[T]{body}, nil
	})
}

// respond registers an operation. Its errors are rendered as problems.
func respond[I, O any](h *handler, api huma.API, op operation, run func(context.Context, *I) (*O, error)) {
	huma.Register(api, op.describe(api.OpenAPI().Components), func(ctx context.Context, in *I) (*O, error) {
		out, err := insist(ctx, h, func() (*O, error) { return run(ctx, in) })
		if err != nil {
			return nil, h.apiError(ctx, op.ID, err)
		}
		return out, nil
	})
}

// apiError returns an error as it is answered. Failures of ours get an ID by which the log has the cause.
func (h *handler) apiError(ctx context.Context, operation string, err error) error {
	if same, ok := err.(notModified); ok {
		return same
	}
	f, gone := faultOf(ctx, err)
	trace.Refused(ctx, f)
	switch {
	case gone:
		h.Log.Debug("a client went away", "operation", operation, "error", err)
	case f.Status() >= http.StatusInternalServerError:
		if f.Refusal == "" {
			f.Refusal = id.New(time.Now())
		}
		h.Log.Error("a call failed", "operation", operation, "refusal_id", f.Refusal, "error", err)
	default:
		h.logRefusal(operation, f)
	}
	return h.problemOf(f)
}

func (h *handler) logRefusal(operation string, f *fault.Fault) {
	if h.refusals.Take("") == nil { // anybody can make these up
		h.Log.Info("a call was refused", "operation", operation, "code", f.Code, "field", f.Field, "cause", fmt.Sprintf("%.300s", f.Error()))
	}
}

// api registers the management API, and what describes it.
func (h *handler) api() {
	api := h.newAPI()
	h.workspaceAPI(api)
	h.trustAPI(api)
	h.keyAPI(api)
	h.recordAPI(api)
	h.logAPI(api)
	h.lineageAPI(api)
	h.rehearseAPI(api)
	h.cutOffAPI(api)
	h.revocableAPI(api)
	openAnswers(api.OpenAPI())
	h.referenceAPI(api.OpenAPI())
}

func (h *handler) newAPI() huma.API {
	library()
	api := humago.New(h.mux, huma.Config{
		OpenAPI: newDocument(), Formats: huma.DefaultFormats, DefaultFormat: "application/json",
	})
	api.UseMiddleware(h.strict)
	return api
}
