// Command load measures what nsc costs above the floor: the standard library doing only what a call cannot do without.
//
// CPU per request is the figure that lasts, so that is what it compares: floor and nsc run in turns on the same machine,
// each with the same number of requests from the same closed loop, and what is quoted is the median of the ratios of
// neighbours. The floor's own spread says how much of a difference is noise. Every external token is a new one, nsc's
// processor time is read until it has nothing left to do (the record is unpacked after the answer), and as many events
// must have been recorded as tokens were issued.
//
// Latency is measured in an open loop at half of that load: requests are due at fixed moments, and a late answer counts
// from the moment at which its request was due, so that a stall is not hidden by the requests that it kept from being made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
)

// settings are what the command line says.
type settings struct {
	nsc, floor  string // programs
	source      string // folder of the main module, for its own benchmarks
	out         string // file of the report; "" is standard output
	profiles    string // folder for processor profiles; "" makes none
	only        string // name of the one workload to run; "" is all
	connections int
	pairs       int
	short       bool
	scale       scale
	grown       bool
	postgres    bool
}

func main() {
	s := settings{scale: measurement}
	flag.StringVar(&s.nsc, "nsc", "bin/nsc", "the `program` to be measured")
	flag.StringVar(&s.floor, "floor", "bin/floor", "the floor's `program`")
	flag.StringVar(&s.source, "source", ".", "`folder` of the main module, whose benchmark of Verify is run")
	flag.StringVar(&s.out, "o", "", "`file` for the report (default: standard output)")
	flag.StringVar(&s.profiles, "profiles", "", "`folder` to put processor profiles of nsc in")
	flag.StringVar(&s.only, "only", "", "`name` of the one workload to run, and nothing else")
	flag.IntVar(&s.connections, "connections", 16, "`number` of connections of the closed loop")
	flag.IntVar(&s.pairs, "pairs", 20, "`number` of pairs of runs")
	flag.BoolVar(&s.short, "short", false, "a look rather than a measurement: two minutes")
	flag.BoolVar(&s.grown, "growth", true, "measure how cost grows with trusts, workspaces and issuers")
	flag.BoolVar(&s.postgres, "postgres", true, "measure on PostgreSQL, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// measure makes everything in a temporary folder, and removes it.
func measure(ctx context.Context, s settings) error {
	if s.only != "" && !slices.ContainsFunc(workloads, func(w workload) bool { return w.name == s.only }) {
		return fmt.Errorf("-only %s: there is no such workload; they are in test/load/workload.go", s.only)
	}
	if s.short {
		s.pairs, s.scale = min(s.pairs, 3), look()
	}
	folder, err := os.MkdirTemp("", "nsc-load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	l, err := newLab(ctx, s, folder)
	if err != nil {
		return err
	}
	defer l.close()
	r := &report{settings: s}
	if err := l.run(r); err != nil {
		return errors.Join(err, r.write(os.Stderr)) // what was measured until then; the file stays as it is
	}
	if s.out == "" {
		return r.write(os.Stdout)
	}
	file, err := os.Create(filepath.Clean(s.out))
	if err != nil {
		return err
	}
	if err := r.write(file); err != nil {
		return err
	}
	return file.Close()
}
