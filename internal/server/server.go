// Package server wires the parts of nsc together and runs them: the only place that opens keys and a recorder.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/netutil"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/limit"
	"github.com/nsc-federation/nsc/internal/redaction"
	"github.com/nsc-federation/nsc/internal/refusal"
	"github.com/nsc-federation/nsc/internal/trace"
	"github.com/nsc-federation/nsc/internal/web"
)

// Limits of a connection.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = time.Minute
	maxHeader         = 32 << 10
	stopTimeout       = 15 * time.Second
)

const (
	sweepEvery = time.Minute
	sweepBatch = 500
	sweepAfter = 15 * time.Minute // for nodes whose clocks differ: what one has swept, another must find expired
)

// Version is set by the linker.
var Version = "dev"

// Run serves until the context ends, then finishes what is under way and leaves. Talk gets a line that contains "ready"
// and the base URL once the server serves. The configuration has been checked.
func Run(ctx context.Context, c Config, talk io.Writer, log *slog.Logger) error {
	log = slog.New(redaction.NewHandler(log.Handler())) // what a caller gives in the wrong place may be a secret
	purpose := purposeServer
	if c.Dev {
		purpose = purposeDev
	}
	f, l, err := openPlace(c, purpose)
	if err != nil {
		return err
	}
	defer f.close()
	defer l.close()
	baseURL := c.baseURL(l.public.Addr())
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	traces, err := openTraces(c, log)
	if err != nil {
		return err
	}
	p, err := openParts(background, c, baseURL, time.Now, log)
	if err != nil {
		return c.worded(err)
	}
	n := &node{config: c, parts: p, baseURL: baseURL, traces: traces, log: log}
	err = n.run(ctx, background, l, talk)
	stopBackground()
	n.work.Wait()
	return c.worded(errors.Join(err, p.close()))
}

// node is one running server.
type node struct {
	config   Config
	parts    *parts
	baseURL  string
	log      *slog.Logger
	work     sync.WaitGroup // in the background
	hosts    []string
	traces   *trace.Tracer                // nil where nobody wants them
	acme     *autocert.Manager            // nil where certificates come from elsewhere
	handler  atomic.Pointer[http.Handler] // replaced when the configuration is read again
	draining atomic.Bool

	readiness readiness
}

// servers are what a node listens with.
type servers struct {
	public, admin, metrics *http.Server // metrics is nil where nobody wants them
	lastCall               *lastCall
	newcomers              *newcomers
	failed                 chan error
}

func (n *node) run(ctx, background context.Context, l *listeners, talk io.Writer) error {
	n.startWork(background)
	n.log.Info("starting", "version", Version, "base_url", n.baseURL, "listening", n.config.scheme()+"://"+l.public.Addr().String())
	n.hosts = n.devHosts(l.public.Addr())
	n.serveWith(n.config)
	s, err := n.serve(l)
	if err != nil {
		return err
	}
	err = n.announce(ctx, background, talk)
	if err == nil {
		collectLess()
		n.work.Go(func() { n.reloadOnHangup(background) })
		n.work.Go(func() { n.obtainCertificate(background) })
		select {
		case <-ctx.Done():
			n.drain(s)
		case err = <-s.failed:
		}
	}
	ending, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err = errors.Join(err, s.stop(ending))
	n.sendTraces(ending)
	return err
}

// serve starts the servers.
func (n *node) serve(l *listeners) (*servers, error) {
	proxies, _ := n.config.proxies() // Check has parsed them before
	s := &servers{lastCall: newLastCall(l.public), newcomers: newNewcomers(), failed: make(chan error, 3)}
	listener := netutil.LimitListener(newFairListener(s.lastCall, proxies), connectionLimit())
	public := n.newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*n.handler.Load()).ServeHTTP(w, r) }))
	public.ConnState = s.newcomers.note
	if n.config.tls() {
		config, err := n.tlsConfig()
		if err != nil {
			return nil, err
		}
		listener = tls.NewListener(listener, config)
		public.TLSConfig = config // with it, HTTP/2 is served
	}
	admin, err := listenAdmin(n.config.DataDir)
	if err != nil {
		return nil, err
	}
	s.public, s.admin = public, n.newServer(n.adminHandler())
	if l.metrics != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", n.parts.metrics.Handler())
		s.metrics = n.newServer(mux)
		go func() { s.failed <- s.metrics.Serve(l.metrics) }()
	}
	go func() { s.failed <- public.Serve(listener) }()
	go func() { s.failed <- s.admin.Serve(admin) }()
	return s, nil
}

// stop finishes the requests that are under way.
func (s *servers) stop(ctx context.Context) error {
	err := errors.Join(s.public.Shutdown(ctx), s.admin.Shutdown(ctx))
	if s.metrics != nil {
		err = errors.Join(err, s.metrics.Shutdown(ctx))
	}
	return err
}

// ready reports whether requests should be sent here.
func (n *node) ready(ctx context.Context) error {
	if n.draining.Load() {
		return errors.New("the server is stopping")
	}
	return n.readiness.of(ctx, n.parts.ready)
}

// serveWith serves as a configuration says. Check has parsed its networks before.
func (n *node) serveWith(c Config) {
	proxies, _ := c.proxies()
	addressRate, workspaceRate := c.AddressRate, c.WorkspaceRate
	if c.Dev { // rule 36
		addressRate, workspaceRate = 0, 0
	}
	n.parts.tokens.Limit(limit.New(workspaceRate))
	handler := web.New(web.Config{
		BaseURL: n.baseURL, Tokens: n.parts.tokens, Keys: n.parts.rings, Workspaces: n.parts.cache, Manage: n.parts.manage, Rehearse: n.parts.rehearse,
		Ready: n.ready, Hosts: n.hosts, Log: n.log, Addresses: limit.New(addressRate), TrustedProxies: proxies,
		Metrics: n.parts.metrics, Traces: n.traces, Draining: n.draining.Load, PublicCheckpoints: c.PublicCheckpoints,
	})
	n.handler.Store(&handler)
}

func (n *node) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelWarn),
	}
}

// startWork starts what a node does besides answering: unpacking the record's queue, noticing what other nodes changed,
// rotating keys, and sweeping.
func (n *node) startWork(ctx context.Context) {
	n.work.Go(func() { audit.Sequence(ctx, n.parts.store, n.log) })
	n.work.Go(func() { n.parts.checkpointer(n.log).Run(ctx) })
	if age := n.config.RecordRetention; age > 0 {
		n.work.Go(func() { (&audit.Eraser{Erasure: n.parts.store, Age: age, Now: time.Now, Log: n.log}).Run(ctx) })
	}
	for _, p := range n.parts.publishers(n.config, n.log) {
		n.work.Go(func() { p.Run(ctx) })
	}
	n.work.Go(func() { n.parts.cache.Watch(ctx, n.log) })
	n.work.Go(func() { n.parts.rotator.Run(ctx, n.parts.store, n.log) })
	n.work.Go(func() { n.parts.refusals.Run(ctx, n.log) })
	n.work.Go(func() { n.sweep(ctx) })
}

// sweep removes what has expired, in small batches.
func (n *node) sweep(ctx context.Context) {
	began, tick := time.Now(), time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for what, sweep := range map[string]func(context.Context, time.Time, int) (int, error){
			"uses": n.parts.store.SweepUses, "cut-offs": n.parts.store.SweepCutOffs, "opaque tokens": n.parts.store.SweepOpaque,
			"answers": n.parts.store.SweepAnswers, "refusals": n.sweepRefusals,
		} {
			before := expiredFor(began.Round(0), time.Now().Round(0), time.Since(began))
			if err := sweepAll(ctx, before, sweep); err != nil && ctx.Err() == nil {
				n.log.Warn("what has expired could not be swept", "what", what, "error", err)
			}
		}
	}
}

// expiredFor returns the moment before which what has expired may be forgotten: by the clock, and by the clock at the start
// with the time that has passed since. A clock that is set forward and back again must not bring a token to life that was
// cut off or used.
func expiredFor(began, now time.Time, passed time.Duration) time.Time {
	if steady := began.Add(passed); steady.Before(now) {
		now = steady
	}
	return now.Add(-sweepAfter)
}

// sweepRefusals removes the refusals that have been kept for long enough, and counts the others.
func (n *node) sweepRefusals(ctx context.Context, now time.Time, limit int) (int, error) {
	swept, err := n.parts.store.SweepRefusals(ctx, now.Add(-refusal.KeptFor), limit)
	if err != nil {
		return swept, err
	}
	kept, err := n.parts.store.CountRefusals(ctx)
	n.parts.metrics.RefusalsKept(kept)
	return swept, err
}

// sweepAll sweeps batch by batch until one is not full.
func sweepAll(ctx context.Context, before time.Time, sweep func(context.Context, time.Time, int) (int, error)) error {
	for {
		swept, err := sweep(ctx, before, sweepBatch)
		if err != nil || swept < sweepBatch {
			return err
		}
	}
}

// announce says that the server is ready; nsc dev makes its administrator first.
func (n *node) announce(ctx, background context.Context, talk io.Writer) error {
	if n.config.Dev {
		return n.announceDev(ctx, background, talk)
	}
	fmt.Fprintf(talk, "nsc server is ready at %s (data in %s)\n", n.baseURL, n.config.DataDir)
	return nil
}
