package trace

import (
	"encoding/json"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// The message of a trace export in JSON, as far as we use it (OTLP 1.x, "JSON Protobuf Encoding"): IDs are hexadecimal,
// enumerations are numbers, 64-bit integers are strings.
type (
	export struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resourceOf   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resourceOf struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scopeOf `json:"scope"`
		Spans []span  `json:"spans"`
	}
	scopeOf struct {
		Name string `json:"name"`
	}
	span struct {
		TraceID    string     `json:"traceId"`
		SpanID     string     `json:"spanId"`
		ParentID   string     `json:"parentSpanId,omitempty"`
		Flags      int        `json:"flags"`
		Name       string     `json:"name"`
		Kind       int        `json:"kind"`
		Start      string     `json:"startTimeUnixNano"`
		End        string     `json:"endTimeUnixNano"`
		Attributes []keyValue `json:"attributes,omitempty"`
		Status     *status    `json:"status,omitempty"`
	}
	status struct {
		Code int `json:"code"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String *string `json:"stringValue,omitempty"`
		Int    *string `json:"intValue,omitempty"`
	}
)

const statusError = 2 // STATUS_CODE_ERROR; the SDK numbers them otherwise

// Bits of Span.flags beside those of W3C: whether the parent is in another process, and that this is known.
const (
	hasRemote = 0x100
	isRemote  = 0x200
)

// encode returns spans of one resource and scope, which all of ours are.
func encode(spans []sdk.ReadOnlySpan) ([]byte, error) {
	group := resourceSpans{
		Resource:   resourceOf{attributes(spans[0].Resource().Attributes())},
		ScopeSpans: []scopeSpans{{Scope: scopeOf{scope}, Spans: make([]span, len(spans))}},
	}
	for i, s := range spans {
		group.ScopeSpans[0].Spans[i] = encoded(s)
	}
	return json.Marshal(export{[]resourceSpans{group}})
}

func encoded(s sdk.ReadOnlySpan) span {
	own, parent := s.SpanContext(), s.Parent()
	out := span{
		TraceID: own.TraceID().String(), SpanID: own.SpanID().String(), Flags: int(own.TraceFlags()) | hasRemote,
		Name: s.Name(), Kind: int(s.SpanKind()), Start: nanoseconds(s.StartTime()), End: nanoseconds(s.EndTime()),
		Attributes: attributes(s.Attributes()),
	}
	if parent.SpanID().IsValid() {
		out.ParentID = parent.SpanID().String()
	}
	if parent.IsRemote() {
		out.Flags |= isRemote
	}
	if s.Status().Code == codes.Error {
		out.Status = &status{statusError}
	}
	return out
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributes(list []attribute.KeyValue) []keyValue {
	out := make([]keyValue, len(list))
	for i, a := range list {
		text := a.Value.String()
		out[i].Key = string(a.Key)
		if a.Value.Type() == attribute.INT64 {
			out[i].Value.Int = &text
		} else {
			out[i].Value.String = &text
		}
	}
	return out
}
