package trace

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// complainEvery bounds how often a collector that does not take spans is in the log.
const complainEvery = time.Minute

const maxAnswer = 64 << 10 // bytes of the collector's answer that are read, so that its connection can be used again

// exporter posts batches to a collector, each once: spans are not worth a second attempt that new ones would wait for.
// The processor calls it from one goroutine at a time.
type exporter struct {
	address    string
	client     *http.Client
	log        *slog.Logger
	lost       int       // spans since the last complaint
	complained time.Time // last
}

func newExporter(c Config) *exporter {
	return &exporter{
		address: strings.TrimSuffix(c.Endpoint, "/") + "/v1/traces",
		client: &http.Client{
			Timeout: sendTimeout,
			// No proxy from the environment: a call goes where the configuration says, or nowhere.
			Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
				MaxConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log: c.Log,
	}
}

// ExportSpans sends a batch. What is lost is logged here: the SDK would print every error to standard error.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	if err := e.send(ctx, spans); err != nil {
		e.complain(len(spans), err)
	}
	return nil
}

func (e *exporter) send(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	body, err := encode(spans)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "nsc")
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // what it says of single spans changes nothing
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %s", response.Status)
	}
	return nil
}

func (e *exporter) complain(spans int, err error) {
	e.lost += spans
	if time.Since(e.complained) < complainEvery {
		return
	}
	e.log.Warn("spans could not be sent to the collector", "lost", e.lost, "error", err)
	e.lost, e.complained = 0, time.Now()
}

// Shutdown has nothing to do: the processor has sent everything.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}
