package trace

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
)

const (
	callerTrace = "0af7651916cd43dd8448eb211c80319c"
	callerSpan  = "b7ad6b7169203331"
)

func open(t *testing.T, endpoint string, ratio float64) *Tracer {
	t.Helper()
	return Open(Config{Endpoint: endpoint, Ratio: ratio, Version: "test", Log: slog.New(slog.DiscardHandler)})
}

func traceparent(flags string) http.Header {
	return http.Header{"Traceparent": {"00-" + callerTrace + "-" + callerSpan + "-" + flags}}
}

func TestEverySpanHasItsParent(t *testing.T) {
	c := newCollector(t)
	tracer := open(t, c.URL+"/", 1)
	ctx, request := tracer.Request(t.Context(), traceparent("00"))
	verifying, verify := Begin(ctx, Verify)
	_, fetch := Begin(context.WithoutCancel(verifying), KeyFetch)
	verify.End(nil)
	recording, record := Begin(ctx, Record)
	Took(recording, Append, time.Now().Add(-time.Second), nil)
	record.End(fault.Newf(fault.Unavailable, "secret cause"))
	Workspace(ctx, "acme")
	refused := fault.Newf(fault.TokenRefused, "secret cause")
	refused.Refusal = "r1"
	Refused(ctx, refused)
	request.Answered("POST /w/{workspace}/token", http.StatusServiceUnavailable)
	_, late := Begin(verifying, Sign)
	late.End(errors.New("secret cause"))
	fetch.End(nil) // after its request
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	root := c.named(t, "POST /w/{workspace}/token")
	for name, parent := range map[string]string{
		"POST /w/{workspace}/token": callerSpan, "verify": root.SpanID, "record": root.SpanID,
		"key fetch": c.named(t, "verify").SpanID, "store append": c.named(t, "record").SpanID, "sign": c.named(t, "verify").SpanID,
	} {
		s := c.named(t, name)
		if s.TraceID != callerTrace || s.ParentID != parent {
			t.Errorf("%s: trace %s, parent %s", name, s.TraceID, s.ParentID)
		}
	}
	for name, failed := range map[string]bool{"POST /w/{workspace}/token": true, "verify": false, "record": true, "sign": true} {
		if s := c.named(t, name); (s.Status != nil) != failed {
			t.Errorf("%s: status %v", name, s.Status)
		}
	}
	for key, want := range map[string]string{
		"http.route": "POST /w/{workspace}/token", "http.response.status_code": "503", "nsc.workspace": "acme",
		"nsc.code": "token_refused", "nsc.refusal_id": "r1",
	} {
		if got := root.attribute(key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	if got := c.named(t, "record").attribute("nsc.code"); got != "unavailable" {
		t.Errorf("record's code: %q", got)
	}
	if root.Kind != 2 || root.Flags != 0x301 || c.named(t, "sign").Kind != 1 || c.named(t, "sign").Flags != 0x101 {
		t.Errorf("kinds %d %d, flags %x %x", root.Kind, c.named(t, "sign").Kind, root.Flags, c.named(t, "sign").Flags)
	}
}

func TestWhoIsTraced(t *testing.T) {
	for _, c := range []struct {
		name   string
		ratio  float64
		header http.Header
		traced bool
		trace  string // "" is a new one
	}{
		{"nobody asks, none are traced", 0, nil, false, ""},
		{"nobody asks, all are traced", 1, nil, true, ""},
		{"the caller asks", 0, traceparent("01"), true, callerTrace},
		{"the caller does not ask", 0, traceparent("00"), false, ""},
		{"the caller does not ask, all are traced", 1, traceparent("00"), true, callerTrace},
		{"two headers are none", 0, http.Header{"Traceparent": append(traceparent("01")["Traceparent"], traceparent("01")["Traceparent"]...)}, false, ""},
		{"malformed", 0, http.Header{"Traceparent": {"00-" + callerTrace + "-" + callerSpan}}, false, ""},
		{"malformed, all are traced", 1, http.Header{"Traceparent": {"eyJhbGciOiJFUzI1NiJ9"}}, true, ""},
		{"zero trace", 0, http.Header{"Traceparent": {"00-" + strings.Repeat("0", 32) + "-" + callerSpan + "-01"}}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			received := newCollector(t)
			tracer := open(t, received.URL, c.ratio)
			_, span := tracer.Request(t.Context(), c.header)
			span.Answered("GET /", http.StatusOK)
			if err := tracer.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if traced := received.count() == 1; traced != c.traced {
				t.Fatalf("traced is %t", traced)
			}
			if s := received.spans["GET /"]; c.trace != "" && s.TraceID != c.trace || c.traced && c.trace == "" && s.TraceID == callerTrace {
				t.Errorf("trace %s", s.TraceID)
			}
		})
	}
}

func TestCallersCannotHaveAllRequestsTraced(t *testing.T) {
	tracer := open(t, newCollector(t).URL, 0)
	defer tracer.Close(t.Context())
	traced := 0
	for range 1000 {
		_, span := tracer.Request(t.Context(), traceparent("01"))
		if span.otel != nil {
			traced++
		}
	}
	if traced < askedPerSecond || traced > 500 {
		t.Errorf("%d of 1000 are traced because the caller asks", traced)
	}
}

func TestSecurityTracestateIsNotKept(t *testing.T) {
	tracer := open(t, newCollector(t).URL, 1)
	defer tracer.Close(t.Context())
	header := traceparent("01")
	header.Set("Tracestate", "vendor=eyJhbGciOiJFUzI1NiJ9")
	header.Set("Baggage", "token=eyJhbGciOiJFUzI1NiJ9")
	_, span := tracer.Request(t.Context(), header)
	if state := span.otel.SpanContext().TraceState().String(); state != "" {
		t.Errorf("tracestate %q", state)
	}
}

func TestASlowCollectorHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer stuck.Close()
	defer close(release)
	tracer := open(t, stuck.URL, 1)
	for range 2 * (queueLength + batchLength) { // or this never ends
		_, span := tracer.Request(t.Context(), nil)
		span.Answered("GET /", http.StatusOK)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := tracer.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
}

func TestWhatIsLostIsLoggedOnce(t *testing.T) {
	for name, spoil := range map[string]func(*collector){
		"refused":   func(c *collector) { c.status = http.StatusInternalServerError },
		"redirects": func(c *collector) { c.status = http.StatusTemporaryRedirect },
		"gone":      func(c *collector) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t)
			spoil(c)
			var log bytes.Buffer
			tracer := Open(Config{Endpoint: c.URL, Ratio: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
			for range batchLength + 1 { // two batches
				_, span := tracer.Request(t.Context(), nil)
				span.Answered("GET /", http.StatusOK)
			}
			if err := tracer.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "spans could not be sent") {
				t.Errorf("%d lines: %s", lines, &log)
			}
		})
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a proxy is asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	if e := newExporter(Config{Endpoint: "http://collector.example"}); e.client.Transport.(*http.Transport).Proxy != nil {
		t.Errorf("%v", os.Getenv("HTTP_PROXY"))
	}
}

// steps is what a traced token takes.
func steps(ctx context.Context, tracer *Tracer, header http.Header) {
	ctx, request := tracer.Request(ctx, header)
	for _, step := range []Step{Verify, Decide, Record, Sign} {
		_, span := Begin(ctx, step)
		span.End(nil)
	}
	Took(ctx, Append, time.Time{}, nil)
	Workspace(ctx, "acme")
	request.Answered("POST /w/{workspace}/token", http.StatusOK)
}

func TestNothingIsAllocatedForWhatIsNotTraced(t *testing.T) {
	asked := newCollector(t)
	for name, tracer := range map[string]*Tracer{"off": nil, "on, but not this request": open(t, asked.URL, 0)} {
		header := http.Header{"Authorization": {"x"}}
		if n := testing.AllocsPerRun(100, func() { steps(t.Context(), tracer, header) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		tracer.Close(t.Context())
	}
}

func BenchmarkRequest(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer sink.Close()
	for name, ratio := range map[string]float64{"off": -1, "not sampled": 0, "sampled": 1} {
		var tracer *Tracer
		if ratio >= 0 {
			tracer = Open(Config{Endpoint: sink.URL, Ratio: ratio, Log: slog.New(slog.DiscardHandler)})
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				steps(b.Context(), tracer, nil)
			}
		})
		_ = tracer.Close(b.Context())
	}
}
