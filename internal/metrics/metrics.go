// Package metrics counts what nsc does, for Prometheus. Labels take their values from fixed lists (routes, codes, kinds),
// never from requests, so that no caller can make a series. Each series is there from the start, at zero: of one that
// appears with its first event, no increase is ever seen of that.
package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Metrics is all counters of one server.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	issued   *prometheus.CounterVec
	refused  *prometheus.CounterVec
	limited  *prometheus.CounterVec
	commits  prometheus.Histogram
	batch    prometheus.Histogram
	failures prometheus.Counter
	waiting  prometheus.Gauge
	signed   prometheus.Counter
	places   *prometheus.CounterVec
	witness  *prometheus.CounterVec
	lost     prometheus.Counter
	kept     prometheus.Gauge
}

// New returns metrics that begin at zero. Confirmed says when the database was heard last.
func New(confirmed func() time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsc_http_requests_total", Help: "Requests answered, by route and class of status.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "nsc_http_request_duration_seconds", Help: "Time to answer a request, by route.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
		issued: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsc_tokens_issued_total", Help: "Tokens issued, by type.",
		}, []string{"type"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsc_tokens_refused_total", Help: "Requests for a token that got none, by code.",
		}, []string{"code"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsc_rate_limited_total", Help: "Requests refused by a rate limit, by what was limited.",
		}, []string{"by"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nsc_record_commit_duration_seconds", Help: "Time to make a batch of the record durable.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nsc_record_batch_entries", Help: "Entries in a batch of the record.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nsc_record_failures_total", Help: "Batches of the record that could not be made durable.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "nsc_refusals_lost_total", Help: "Refusals that cannot be explained: too many came at once, or the database failed.",
		}),
		kept: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "nsc_refusals_kept", Help: "Refusals that can be explained, of all workspaces, counted every minute.",
		}),
	}
	m.waiting = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nsc_log_unsigned_events", Help: "Events in the workspaces' logs that no checkpoint covers yet.",
	})
	m.signed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "nsc_log_checkpoints_signed_total", Help: "Checkpoints of the workspaces' logs that this node signed.",
	})
	m.places = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nsc_log_publications_total", Help: "Checkpoints that were published outside, by kind of place and result: done or failed.",
	}, []string{"place", "result"})
	m.witness = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "nsc_log_witness_failures_total",
		Help: "Checkpoints that a witness did not cosign, by class; rolled_back and inconsistent say that a log lost what was vouched for.",
	}, []string{"class"})
	heard := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "nsc_database_confirmed_age_seconds",
		Help: "Time since the database last said which workspaces changed. Above one second, requests are refused.",
	}, func() float64 { return time.Since(confirmed()).Seconds() })
	m.registry.MustRegister(
		m.requests, m.duration, m.issued, m.refused, m.limited, m.commits, m.batch, m.failures, m.waiting, m.signed, m.places, m.witness, m.lost, m.kept, heard,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.begin()
	return m
}

// begin makes the series of all labels but routes.
func (m *Metrics) begin() {
	for _, kind := range []policy.TokenType{policy.AccessToken, policy.IDToken} {
		m.issued.WithLabelValues(string(kind))
	}
	for _, d := range fault.Descriptions() {
		m.refused.WithLabelValues(string(d.Code))
	}
	for _, by := range []string{"address", "workspace"} {
		m.limited.WithLabelValues(by)
	}
	for _, place := range []string{"file", "webhook", "witness"} {
		m.places.WithLabelValues(place, "done")
		m.places.WithLabelValues(place, "failed")
	}
	for _, class := range audit.Classes {
		m.witness.WithLabelValues(string(class))
	}
}

// Route makes the series of a route.
func (m *Metrics) Route(route string) {
	for _, status := range []string{"2xx", "3xx", "4xx", "5xx"} {
		m.requests.WithLabelValues(route, status)
	}
	m.duration.WithLabelValues(route)
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Request counts an answered request. The route is a pattern, not a path.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status/100)+"xx").Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}

// Issued counts a token.
func (m *Metrics) Issued(kind string) { m.issued.WithLabelValues(kind).Inc() }

// Refused counts a request for a token that got none.
func (m *Metrics) Refused(code string) { m.refused.WithLabelValues(code).Inc() }

// Limited counts a request that a rate limit refused: by address or by workspace.
func (m *Metrics) Limited(by string) { m.limited.WithLabelValues(by).Inc() }

// RefusalsLost counts refusals that were not kept.
func (m *Metrics) RefusalsLost(n int) { m.lost.Add(float64(n)) }

// RefusalsKept says how many refusals are kept.
func (m *Metrics) RefusalsKept(n int64) { m.kept.Set(float64(n)) }

// Committed counts a batch of the record.
func (m *Metrics) Committed(entries int, took time.Duration, err error) {
	if err != nil {
		m.failures.Inc()
		return
	}
	m.batch.Observe(float64(entries))
	m.commits.Observe(took.Seconds())
}

// LogWaits says how many events of the logs no checkpoint covers yet.
func (m *Metrics) LogWaits(events int64) { m.waiting.Set(float64(events)) }

// CheckpointsSigned counts checkpoints.
func (m *Metrics) CheckpointsSigned(n int) { m.signed.Add(float64(n)) }

// CheckpointPublished counts an attempt to publish a checkpoint.
func (m *Metrics) CheckpointPublished(kind string, err error) {
	result := "done"
	if err != nil {
		result = "failed"
	}
	m.places.WithLabelValues(kind, result).Inc()
}

// WitnessFailed counts a checkpoint that a witness did not cosign.
func (m *Metrics) WitnessFailed(class string) { m.witness.WithLabelValues(class).Inc() }
