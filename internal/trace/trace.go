// Package trace says where the time of a request went: a span for the request, and one for each step that its token
// took, sent to an OpenTelemetry collector.
//
// A request is traced or not from its beginning, and the context says which: Begin on a context without a traced request
// does nothing and allocates nothing, so that the steps call it unconditionally and nobody hands a tracer around.
//
// What a span may carry is what the functions of this package take: names from fixed lists, a route's pattern, the name
// of a workspace that exists, and a fault's code and ID. No function takes free text, so no token, subject or claim can
// reach a collector, which more people read than the record.
package trace

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/nsc-federation/nsc/internal/fault"
)

// Step is the name of a span below a request.
type Step string

// The steps of a token's path (docs/design/0001-one-path.md), and what two of them wait for.
const (
	Verify   Step = "verify"
	Decide   Step = "decide"
	Record   Step = "record"
	Sign     Step = "sign"
	KeyFetch Step = "key fetch"    // of an issuer, below verify
	Append   Step = "store append" // of the batch that the event was in, below record
)

// Attributes beside those that OpenTelemetry names.
const (
	workspaceKey = attribute.Key("nsc.workspace")
	codeKey      = attribute.Key("nsc.code")
	refusalKey   = attribute.Key("nsc.refusal_id")
)

// Span is a piece of work that is traced. The zero span, of work that is not, does nothing.
type Span struct{ otel trace.Span }

// Begin begins a step of the request in the context. A key fetch may go on after the request has ended.
func Begin(ctx context.Context, step Step) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return ctx, Span{}
	}
	ctx, child := parent.TracerProvider().Tracer(scope).Start(ctx, string(step))
	return ctx, Span{child}
}

// End ends a step, which failed where there is an error. Of the error, its fault's code alone is told.
func (s Span) End(err error) {
	if s.otel == nil {
		return
	}
	s.fail(err)
	s.otel.End()
}

func (s Span) fail(err error) {
	if err == nil {
		return
	}
	s.otel.SetStatus(codes.Error, "")
	var f *fault.Fault
	if errors.As(err, &f) {
		s.otel.SetAttributes(codeKey.String(string(f.Code)))
	}
}

// Took is a step that began before somebody could say in which request, and ends now.
func Took(ctx context.Context, step Step, began time.Time, err error) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return
	}
	_, child := parent.TracerProvider().Tracer(scope).Start(ctx, string(step), trace.WithTimestamp(began))
	Span{child}.End(err)
}

// Workspace says which workspace the request is about. It must exist: a path may name anything.
func Workspace(ctx context.Context, name string) {
	if s := trace.SpanFromContext(ctx); s.IsRecording() {
		s.SetAttributes(workspaceKey.String(name))
	}
}

// Refused says why the request got nothing, and the ID by which an administrator finds the cause.
func Refused(ctx context.Context, f *fault.Fault) {
	s := trace.SpanFromContext(ctx)
	if !s.IsRecording() {
		return
	}
	s.SetAttributes(codeKey.String(string(f.Code)))
	if f.Refusal != "" {
		s.SetAttributes(refusalKey.String(f.Refusal))
	}
}
