// Package collector reads nsc's traces with the code by which OpenTelemetry's own collector reads them. nsc writes OTLP's
// JSON by itself (docs/design/0010-traces.md), so somebody else has to say that it is OTLP.
package collector
