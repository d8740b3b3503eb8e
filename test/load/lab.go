package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// lab is everything that a measurement needs.
type lab struct {
	settings
	ctx    context.Context
	folder string
	issuer *issuer
	floor  *process
	trusts string         // file of the keys that a floor trusts
	closes []func() error // in the order of creation
}

func newLab(ctx context.Context, s settings, folder string) (*lab, error) {
	l := &lab{settings: s, ctx: ctx, folder: folder}
	var err error
	if l.issuer, err = newIssuer("https://issuer.load.example"); err != nil {
		return nil, err
	}
	l.trusts = filepath.Join(folder, "trusted.pem")
	if err := l.issuer.writeKeys(l.trusts); err != nil {
		return nil, err
	}
	if l.floor, err = l.startFloor(""); err != nil {
		return nil, err
	}
	if s.profiles != "" {
		err = os.MkdirAll(s.profiles, 0o755)
	}
	return l, err
}

// startFloor starts a floor whose journal is in a database, or in a file where there is none.
func (l *lab) startFloor(database string) (*process, error) {
	p, err := start(filepath.Join(l.folder, "floor.log"), nil, l.settings.floor, "-trusted", l.trusts, "-database", database)
	if err == nil {
		l.closes = append(l.closes, func() error { p.kill(); return nil })
	}
	return p, err
}

func (l *lab) close() {
	for i := len(l.closes) - 1; i >= 0; i-- {
		if err := l.closes[i](); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
		}
	}
}

// run makes all measurements, or the one that was named.
func (l *lab) run(r *report) error {
	if err := l.runSQLite(r); err != nil {
		return err
	}
	if l.postgres {
		if err := l.runPostgres(r); err != nil {
			return err
		}
	}
	if l.only != "" {
		return nil
	}
	return errors.Join(l.measureVerify(r), l.measureRest(r), l.measureGrowth(r))
}

func (l *lab) runSQLite(r *report) error {
	f, err := l.fixture("sqlite", "", 0)
	if err != nil {
		return err
	}
	f.durable, f.spent = l.floor, func() (time.Duration, error) { return cpu(l.floor.cmd.Process.Pid) }
	for _, w := range workloads {
		if l.only != "" && l.only != w.name {
			continue
		}
		if err := l.measure(r, f, w, "SQLite"); err != nil {
			return err
		}
	}
	return f.tenant.server.stop()
}

func (l *lab) runPostgres(r *report) error {
	asked := workloads[:2] // the exchange, and the least that a durable one costs
	if l.only != "" && !slices.ContainsFunc(asked, func(w workload) bool { return w.name == l.only }) {
		return nil
	}
	p, err := startPostgres(filepath.Join(l.folder, "pg"))
	if errors.Is(err, errNoPostgres) {
		fmt.Fprintln(os.Stderr, "load:", err)
		return nil
	}
	if err != nil {
		return err
	}
	l.closes = append(l.closes, p.stop)
	f, err := l.fixture("postgres", p.url, p.postmaster)
	if err != nil {
		return err
	}
	journal, err := p.create("floor")
	if err != nil {
		return err
	}
	if f.durable, err = l.startFloor(journal); err != nil {
		return err
	}
	f.spent = func() (time.Duration, error) {
		own, err := cpu(f.durable.cmd.Process.Pid)
		theirs, err2 := cpuOfFamily(p.postmaster)
		return own + theirs, errors.Join(err, err2)
	}
	for _, w := range asked {
		if l.only != "" && l.only != w.name {
			continue
		}
		if w.goal.ratio > 0 {
			w.goal.ratio = 1.6
		}
		if err := l.measure(r, f, w, "PostgreSQL"); err != nil {
			return err
		}
	}
	return f.tenant.server.stop()
}

// measure compares, profiles where that is wanted, and measures latency where performance.md asks for it.
func (l *lab) measure(r *report, f *fixture, w workload, where string) error {
	found, err := l.compare(l.ctx, f, w, where)
	if err != nil {
		return err
	}
	r.results = append(r.results, found)
	if l.profiles != "" {
		if err := l.profile(f, w, where); err != nil {
			return err
		}
	}
	if w.name != "exchange" {
		return nil
	}
	late, err := l.measureLatency(f, w, found)
	r.latencies = append(r.latencies, late)
	return err
}

// fixture starts nsc with a workspace that trusts the issuer, and prepares tokens of it.
func (l *lab) fixture(name, database string, postmaster int) (*fixture, error) {
	server, err := startNSC(l.nsc, filepath.Join(l.folder, name), database, postmaster)
	if err != nil {
		return nil, err
	}
	l.closes = append(l.closes, func() error { server.kill(); return nil })
	t, err := server.tenant(l.ctx, "load")
	if err != nil {
		return nil, err
	}
	if _, err := t.trust(l.ctx, l.issuer, l.issuer.name, subjects, ""); err != nil {
		return nil, err
	}
	f := &fixture{tenant: t, floor: l.floor, issuer: l.issuer, known: l.scale.known}
	return f, l.prepare(f)
}

// prepare exchanges tokens for those that other workloads show.
func (l *lab) prepare(f *fixture) (err error) {
	if f.callers, err = l.issue(f, l.connections, nil); err != nil {
		return err
	}
	if f.held, err = l.issue(f, l.scale.held, nil); err != nil {
		return err
	}
	f.opaque, err = l.issue(f, l.scale.held, url.Values{"access_token_format": {"opaque"}})
	return err
}

// issue exchanges n external tokens.
func (l *lab) issue(f *fixture, n int, more url.Values) ([]string, error) {
	external, err := l.external(f.tenant.issuer, "ES256", n)
	if err != nil {
		return nil, err
	}
	o, err := closedLoop(l.ctx, hostOf(f.tenant.server.url), l.connections,
		each(n, func(i int) request { return f.exchange(external[i], typeJWT, more) }), true)
	if err != nil {
		return nil, err
	}
	all := make([]string, n)
	for i, body := range o.bodies {
		if all[i], err = accessToken(body); err != nil {
			return nil, err
		}
	}
	return all, nil
}
