package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/nsc-federation/nsc/internal/trace"
)

// checkTraces returns what is wrong with the keys of traces.
func (c Config) checkTraces() error {
	if !(c.TraceRatio >= 0 && c.TraceRatio <= 1) { // NaN is wrong, too
		return errors.New("trace_ratio must be from 0 to 1")
	}
	if c.OTLPEndpoint == "" {
		if c.OTLPCAFile != "" {
			return errors.New("otlp_ca_file is for otlp_endpoint, which is not set")
		}
		return nil
	}
	u, err := url.Parse(c.OTLPEndpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("otlp_endpoint: not a URL like http://127.0.0.1:4318, without user, query and fragment")
	}
	return nil
}

// openTraces returns what sends traces to the collector, nil where there is none.
func openTraces(c Config, log *slog.Logger) (*trace.Tracer, error) {
	if c.OTLPEndpoint == "" {
		return nil, nil
	}
	roots, err := authorities(c.OTLPCAFile)
	if err != nil {
		return nil, fmt.Errorf("otlp_ca_file: %w", err)
	}
	return trace.Open(trace.Config{
		Endpoint: c.OTLPEndpoint, Roots: roots, Ratio: c.TraceRatio, Version: Version, Log: log,
	}), nil
}

// sendTraces sends what has not been sent, until the context ends. What is lost stops nothing.
func (n *node) sendTraces(ctx context.Context) {
	if err := n.traces.Close(ctx); err != nil {
		n.log.Warn("the last traces could not be sent", "error", err)
	}
}
