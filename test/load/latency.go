package main

import (
	"fmt"
	"path/filepath"
)

// latency is an open loop at half of the closed loop's load.
type latency struct {
	where   string
	rate    float64 // requests per second
	outcome *outcome
}

const openConnections = 64 // enough that no request that is due waits for one

func (l *lab) measureLatency(f *fixture, w workload, found result) (latency, error) {
	late := latency{where: found.where, rate: found.median(func(p pair) float64 { return p.nsc.rate }) / 2}
	n := int(late.rate * l.scale.openFor.Seconds())
	tokens, err := l.external(f.tenant.issuer, w.algorithm, n)
	if err != nil {
		return late, err
	}
	f.tokens = tokens
	late.outcome, err = openLoop(l.ctx, hostOf(f.tenant.server.url), openConnections, w.nsc(f, n), late.rate)
	return late, err
}

// profiled is how long a profile of the processor's time is.
const profiled = 4

// profile runs a workload while nsc writes down where its processor's time goes.
func (l *lab) profile(f *fixture, w workload, where string) error {
	done := make(chan error, 1)
	path := filepath.Join(l.profiles, fmt.Sprintf("%s-%s.pprof", w.name, where))
	go func() { done <- f.tenant.server.profile(l.ctx, profiled, path) }()
	for {
		select {
		case err := <-done:
			return err
		default:
			if err := l.busy(f, w); err != nil {
				return err
			}
		}
	}
}

// busy runs a workload on nsc alone.
func (l *lab) busy(f *fixture, w workload) (err error) {
	if w.algorithm != "" {
		if f.tokens, err = l.external(f.tenant.issuer, w.algorithm, l.scale.requests(w)); err != nil {
			return err
		}
	}
	_, err = closedLoop(l.ctx, hostOf(f.tenant.server.url), l.connections, w.nsc(f, l.scale.requests(w)), false)
	return err
}

// external makes tokens of the issuer for an audience, all different.
func (l *lab) external(audience, algorithm string, n int) ([]string, error) {
	return l.issuer.tokens(n, func(int) token { return token{algorithm: algorithm, subject: subject, audience: audience} })
}
