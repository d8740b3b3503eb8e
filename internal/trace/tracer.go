package trace

import (
	"context"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// scope is the instrumentation scope of all spans.
const scope = "github.com/nsc-federation/nsc"

// Bounds of what waits for the collector. Beyond them spans are dropped, and no request waits.
const (
	queueLength = 4096
	batchLength = 512
	sendEvery   = 2 * time.Second
	sendTimeout = 5 * time.Second
)

// askedPerSecond bounds the requests that are traced because their caller asks for it. Anybody may ask.
const askedPerSecond = 10

// Config says where spans go and how many.
type Config struct {
	Endpoint string         // base URL of an OTLP/HTTP receiver
	Roots    *x509.CertPool // authorities of its certificate; nil is the system's
	Ratio    float64        // of the requests, from 0 to 1
	Version  string         // of the server
	Log      *slog.Logger
}

// Tracer begins the spans of requests. The nil tracer traces nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	ratio    float64
	asked    *rate.Limiter
}

// Open returns a tracer that sends to a collector until it is closed.
func Open(c Config) *Tracer {
	batches := sdk.NewBatchSpanProcessor(newExporter(c),
		sdk.WithMaxQueueSize(queueLength), sdk.WithMaxExportBatchSize(batchLength),
		sdk.WithBatchTimeout(sendEvery), sdk.WithExportTimeout(sendTimeout))
	provider := sdk.NewTracerProvider(
		sdk.WithSpanProcessor(batches),
		sdk.WithSampler(sdk.AlwaysSample()), // Request has decided before
		sdk.WithoutPanicRecording(),         // a panic's text may be anything
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "nsc"), attribute.String("service.version", c.Version),
		)),
	)
	return &Tracer{provider, provider.Tracer(scope), c.Ratio, rate.NewLimiter(askedPerSecond, askedPerSecond)}
}

// Close sends the spans that have ended, until the context ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a request, if it is to be traced: of all requests a share, which is this server's to choose,
// and few of those that ask for it (W3C Trace Context §2.2, with the sampled flag). The trace of the caller goes on;
// his tracestate does not, for it may hold anything.
func (t *Tracer) Request(ctx context.Context, header http.Header) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	remote := caller(header)
	if rand.Float64() >= t.ratio && !(remote.IsSampled() && t.asked.Allow()) {
		return ctx, Span{}
	}
	if remote.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	}
	ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, Span{span}
}

// Answered ends the span of a request. The route is a pattern, not a path.
func (s Span) Answered(route string, status int) {
	if s.otel == nil {
		return
	}
	s.otel.SetName(route)
	s.otel.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError { // what is the caller's fault is no error of ours
		s.otel.SetStatus(codes.Error, "")
	}
	s.otel.End()
}

// caller returns the span that a request comes from, the invalid one where the header is missing, doubled or malformed.
func caller(header http.Header) trace.SpanContext {
	values := header.Values("Traceparent")
	if len(values) != 1 {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": values[0]})
	return trace.SpanContextFromContext(ctx)
}
