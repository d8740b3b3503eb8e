package main

import "time"

// scale is how much of everything is measured.
type scale struct {
	part     int // of a workload's requests: one in so many
	held     int // distinct tokens of ours, of each form
	known    int // of them, that are introspected again and again
	openFor  time.Duration
	starts   int
	rest     time.Duration // after a start, before memory is read
	verified int           // runs of the benchmarks of Verify

	// Of a grown installation.
	trusts, workspaces, used, issuers, conditioned int
}

// measurement has more tokens held than the 4,096 that nsc remembers as verified: in turns, none is remembered when it
// comes again.
var measurement = scale{
	part: 1, held: 6000, known: 1000, openFor: 10 * time.Second, starts: 11, rest: 10 * time.Second, verified: 10,
	trusts: 100000, workspaces: 10000, used: 32, issuers: 1000, conditioned: 10000,
}

func look() scale {
	s := measurement
	s.part, s.openFor, s.verified = 3, 2*time.Second, 2
	return s
}

// requests returns how many a workload has in one run.
func (s scale) requests(w workload) int {
	if w.size == 0 {
		return s.held
	}
	return w.size / s.part
}
