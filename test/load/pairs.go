package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// figure is what one run cost.
type figure struct {
	cost time.Duration // processor time of the server, per request
	rate float64       // requests per second
}

// pair is a run of the floor and, right after it, one of nsc.
type pair struct{ floor, nsc figure }

// result is the pairs of one workload.
type result struct {
	workload workload
	where    string // the database
	pairs    []pair
	tokens   int // that were issued during it
	events   int // that were recorded meanwhile
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n == 0 {
		return 0
	}
	return (values[n/2] + values[(n-1)/2]) / 2
}

func (r result) median(of func(pair) float64) float64 {
	values := make([]float64, len(r.pairs))
	for i, p := range r.pairs {
		values[i] = of(p)
	}
	return median(values)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func (r result) ratio() float64 {
	return r.median(func(p pair) float64 { return float64(p.nsc.cost) / float64(p.floor.cost) })
}

// above returns by how many microseconds nsc is above the floor.
func (r result) above() float64 {
	return r.median(func(p pair) float64 { return micros(p.nsc.cost - p.floor.cost) })
}

// noise returns the floor's own lowest and highest, as parts of its median.
func (r result) noise() (low, high float64) {
	middle := r.median(func(p pair) float64 { return micros(p.floor.cost) })
	for i, p := range r.pairs {
		part := micros(p.floor.cost) / middle
		if i == 0 {
			low, high = part, part
		}
		low, high = min(low, part), max(high, part)
	}
	return low, high
}

func (r result) reached() bool {
	if r.workload.goal.above > 0 {
		return r.above() <= r.workload.goal.above
	}
	return r.ratio() <= r.workload.goal.ratio
}

// meter reads the processor time of a server.
type meter func() (time.Duration, error)

const (
	quietFor = 150 * time.Millisecond
	quietBy  = 10 * time.Second
)

// settle waits until a server does nothing more, so that what it does after its answers counts as a cost of them.
func settle(read meter) (time.Duration, error) {
	last, err := read()
	for deadline := time.Now().Add(quietBy); err == nil && time.Now().Before(deadline); {
		time.Sleep(quietFor)
		var now time.Duration
		if now, err = read(); now-last <= clockTick {
			return now, err
		}
		last = now
	}
	return last, err
}

// cost runs requests in a closed loop and returns what each cost the server.
func (l *lab) cost(ctx context.Context, url string, read meter, requests []request) (figure, error) {
	before, err := settle(read)
	if err != nil {
		return figure{}, err
	}
	o, err := closedLoop(ctx, hostOf(url), l.connections, requests, false)
	if err != nil {
		return figure{}, err
	}
	after, err := settle(read)
	return figure{(after - before) / time.Duration(len(requests)), float64(len(requests)) / o.took.Seconds()}, err
}

// compare runs the pairs of a workload.
func (l *lab) compare(ctx context.Context, f *fixture, w workload, where string) (result, error) {
	r := result{workload: w, where: where}
	before, err := f.tenant.issued(ctx)
	if err != nil {
		return r, err
	}
	for i := range l.pairs + 1 { // the first warms up
		p, err := l.pair(ctx, f, w)
		if err != nil {
			return r, fmt.Errorf("%s: %w", w.name, err)
		}
		if i > 0 {
			r.pairs = append(r.pairs, p)
			fmt.Fprintf(os.Stderr, "%s, %s, pair %d: floor %.1f µs, nsc %.1f µs, %.2f\n", w.name, where, i,
				micros(p.floor.cost), micros(p.nsc.cost), float64(p.nsc.cost)/float64(p.floor.cost))
		}
	}
	after, err := f.tenant.issued(ctx)
	if err != nil {
		return r, err
	}
	r.events = after - before
	if w.issues {
		r.tokens = (l.pairs + 1) * l.scale.requests(w)
	}
	if r.events != r.tokens {
		return r, fmt.Errorf("%s: %d tokens were issued and %d are on the record", w.name, r.tokens, r.events)
	}
	return r, nil
}

func (l *lab) pair(ctx context.Context, f *fixture, w workload) (p pair, err error) {
	n := l.scale.requests(w)
	if w.algorithm != "" {
		f.tokens, err = l.external(f.tenant.issuer, w.algorithm, n)
		if err != nil {
			return p, err
		}
	}
	floor := l.floor.cmd.Process.Pid
	if p.floor, err = l.cost(ctx, l.floor.url, func() (time.Duration, error) { return cpu(floor) }, w.floor(f, n)); err != nil {
		return p, fmt.Errorf("floor: %w", err)
	}
	if w.durable {
		p.nsc, err = l.cost(ctx, f.durable.url, f.spent, w.nsc(f, n))
	} else {
		p.nsc, err = l.cost(ctx, f.tenant.server.url, f.tenant.server.cpu, w.nsc(f, n))
	}
	if err != nil {
		return p, fmt.Errorf("nsc: %w", err)
	}
	return p, nil
}
