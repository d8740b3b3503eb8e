package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/identity"
)

// apiBase is where the management API lives. Every path below it names its workspace.
const apiBase = "/api/v1/workspaces"

const maxAPIBody = 1 << 20 // an uploaded JWKS of 512 KiB fits

// problems makes the one global of the API library render our problems; it is the same for every handler.
var problems = sync.OnceFunc(func() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return newProblem(requestFault(status, message, errs))
	}
})

// requestFault turns what the library found wrong with a request into a fault. Its texts speak of the request alone.
func requestFault(status int, message string, errs []error) *fault.Fault {
	code := fault.InvalidRequest
	switch {
	case status == http.StatusUnprocessableEntity:
		code = fault.InvalidField
	case status == http.StatusRequestEntityTooLarge:
		code = fault.TooLarge
	case status >= 500:
		return fault.Newf(fault.Internal, "%s: %v", message, errors.Join(errs...))
	}
	f := fault.Newf(code, "%s", message)
	f.Detail = message
	var detail *huma.ErrorDetail
	if len(errs) > 0 && errors.As(errs[0], &detail) {
		f.Field = strings.TrimPrefix(strings.TrimPrefix(detail.Location, "body."), "query.")
		f.Detail = detail.Message
	}
	return f
}

// Call is what every call of the management API has: the workspace, the bearer token, and where it came from.
type Call struct {
	Origin
	Workspace     string `path:"workspace" doc:"Name of the workspace"`
	Authorization string `header:"Authorization" doc:"Bearer and an access token whose audience is the workspace's issuer"`
}

// Origin is where a call came from.
type Origin struct{ address string }

// Resolve notes where the call came from.
func (o *Origin) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	o.address = address(r)
	return nil
}

type answer[T any] struct{ Body T }

// list is a page of things; next is the cursor of the page after it.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Give this as after (or before) to go on; absent on the last page"`
}

func newList[T any](items []T, limit int, cursor func(T) string) list[T] {
	l := list[T]{Items: items}
	if l.Items == nil {
		l.Items = []T{}
	}
	if limit > 0 && len(items) >= limit {
		l.Next = cursor(items[len(items)-1])
	}
	return l
}

// bearer returns the token of an Authorization header (RFC 6750 §2.1).
func bearer(header string) (string, error) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", fault.Newf(fault.Unauthenticated, "no bearer token")
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

// serve registers an operation whose errors are rendered as problems.
func serve[I, O any](h *handler, api huma.API, op huma.Operation, run func(context.Context, *I) (O, error)) {
	op.MaxBodyBytes = maxAPIBody
	huma.Register(api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := run(ctx, in)
		if err != nil {
			return nil, h.apiError(op.OperationID, err)
		}
		return &answer[O]{out}, nil
	})
}

func (h *handler) apiError(operation string, err error) error {
	f := *fault.From(err)
	if f.Status() >= 500 {
		h.Log.Error("a call failed", "operation", operation, "error", err)
	} else {
		h.Log.Info("a call was refused", "operation", operation, "code", f.Code, "cause", f.Error())
	}
	return newProblem(&f)
}

// api registers the management API.
func (h *handler) api() {
	problems()
	config := huma.DefaultConfig("nsc management API", "v1")
	config.DocsPath, config.OpenAPIPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	api := humago.New(h.mux, config)
	h.workspaceAPI(api)
	h.trustAPI(api)
	h.keyAPI(api)
	h.recordAPI(api)
	h.cutOffAPI(api)
	h.revocableAPI(api)
}
