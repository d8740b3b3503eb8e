// Package server wires the parts of nsc together and runs them: the only place that opens keys and a recorder.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/web"
)

// Limits of a connection.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeader         = 32 << 10
	stopTimeout       = 15 * time.Second
)

const (
	sweepEvery = time.Minute
	sweepBatch = 500
)

// Version is set by the linker.
var Version = "dev"

// Run serves until the context ends, then finishes what is under way and leaves. Talk gets a line that contains "ready"
// and the base URL once the server serves. The configuration has been checked.
func Run(ctx context.Context, c Config, talk io.Writer, log *slog.Logger) error {
	purpose := purposeServer
	if c.Dev {
		purpose = purposeDev
	}
	f, err := openFolder(c.DataDir, purpose)
	if err != nil {
		return err
	}
	defer f.close()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	baseURL := c.baseURL(listener.Addr())
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	p, err := openParts(background, c, baseURL, time.Now, log)
	if err != nil {
		return err
	}
	n := &node{config: c, parts: p, baseURL: baseURL, log: log}
	err = n.run(ctx, background, listener, talk)
	stopBackground()
	n.work.Wait()
	return errors.Join(err, p.close())
}

// node is one running server.
type node struct {
	config  Config
	parts   *parts
	baseURL string
	log     *slog.Logger
	work    sync.WaitGroup // in the background
}

func (n *node) run(ctx, background context.Context, listener net.Listener, talk io.Writer) error {
	n.startWork(background)
	n.log.Info("starting", "version", Version, "base_url", n.baseURL, "listening", n.config.scheme()+"://"+listener.Addr().String())
	public, err := n.publicServer(listener)
	if err != nil {
		return err
	}
	admin, err := listenAdmin(n.config.DataDir)
	if err != nil {
		return err
	}
	local := n.newServer(n.adminHandler())
	failed := make(chan error, 2)
	if n.config.TLSSelfSigned {
		listener = tls.NewListener(listener, public.TLSConfig)
	}
	go func() { failed <- public.Serve(listener) }()
	go func() { failed <- local.Serve(admin) }()
	err = n.announce(ctx, background, talk)
	if err == nil {
		select {
		case <-ctx.Done():
			n.log.Info("stopping: finishing the requests that are under way")
		case err = <-failed:
		}
	}
	stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, public.Shutdown(stop), local.Shutdown(stop))
}

func (n *node) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelWarn),
	}
}

func (n *node) publicServer(listener net.Listener) (*http.Server, error) {
	s := n.newServer(web.New(web.Config{
		BaseURL: n.baseURL, Tokens: n.parts.tokens, Keys: n.parts.rings, Workspaces: n.parts.cache, Manage: n.parts.manage,
		Ready: n.parts.ready, Hosts: n.hosts(listener.Addr()), Version: Version, Log: n.log,
	}))
	if n.config.TLSSelfSigned {
		authority, err := openSelfSigned(n.config.DataDir, ownHosts(n.baseURL))
		if err != nil {
			return nil, err
		}
		s.TLSConfig = &tls.Config{
			GetCertificate: authority.certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		}
	}
	return s, nil
}

// hosts returns the Host headers that nsc dev answers to (rule 36); nsc server answers to all.
func (n *node) hosts(listening net.Addr) []string {
	if !n.config.Dev {
		return nil
	}
	_, port, _ := net.SplitHostPort(listening.String()) // an address that we listen on
	var hosts []string
	for _, host := range ownHosts(n.baseURL) {
		hosts = append(hosts, net.JoinHostPort(host, port))
	}
	return hosts
}

// startWork starts what a node does besides answering: unpacking the record's queue, noticing what other nodes changed,
// rotating keys, and sweeping.
func (n *node) startWork(ctx context.Context) {
	n.work.Go(func() { audit.Sequence(ctx, n.parts.store, n.log) })
	n.work.Go(func() { n.parts.cache.Watch(ctx, n.log) })
	n.work.Go(func() { n.parts.rotator.Run(ctx, n.parts.store, n.log) })
	n.work.Go(func() { n.sweep(ctx) })
}

// sweep removes expired single uses, in small batches.
func (n *node) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for {
			swept, err := n.parts.store.SweepUses(ctx, time.Now(), sweepBatch)
			if err != nil && ctx.Err() == nil {
				n.log.Warn("expired uses could not be swept", "error", err)
			}
			if err != nil || swept < sweepBatch {
				break
			}
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
