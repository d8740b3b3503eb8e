package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rest is what nsc takes without load.
type rest struct {
	startUp  time.Duration // from exec to ready, on a database that exists; median
	resident int64         // bytes, a while after its start
	program  int64         // bytes of the stripped program
	warm     int64         // bytes, with the trusts below in use
	trusts   int           // with a condition each, of its own
	cold     int64         // bytes before they were
}

func (l *lab) measureRest(r *report) error {
	file, err := os.Stat(l.nsc)
	if err != nil {
		return err
	}
	r.rest.program = file.Size()
	server, err := startNSC(l.nsc, filepath.Join(l.folder, "rest"), "", 0)
	if err != nil {
		return err
	}
	l.closes = append(l.closes, func() error { server.kill(); return nil })
	var took []float64
	for range l.scale.starts {
		server.kill()
		if err := server.start(); err != nil {
			return err
		}
		took = append(took, float64(server.took))
	}
	r.rest.startUp = time.Duration(median(took))
	time.Sleep(l.scale.rest)
	r.rest.resident, err = resident(server.cmd.Process.Pid)
	server.kill()
	return err
}

// verification is one benchmark of the root package: what it measured, in each run, by unit.
type verification map[string][]float64

// measureVerify runs the root package's own benchmarks of Verify, one of which takes turns with a verification by hand.
func (l *lab) measureVerify(r *report) error {
	cmd := exec.CommandContext(l.ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkVerify", "-benchtime", "5000x", "-count", strconv.Itoa(l.scale.verified), "-benchmem", ".")
	cmd.Dir = l.source
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmark of Verify: %w: %s", err, text)
	}
	r.verify = readBenchmarks(string(text))
	for name, units := range map[string][]string{
		benchVerify: {unitAllocations}, benchByHand: {unitVerify, unitByHand, unitRatio}, benchRepeated: {unitTime},
	} {
		for _, unit := range units {
			if len(r.verify[name][unit]) == 0 {
				return fmt.Errorf("the benchmark %s does not report %s", name, unit)
			}
		}
	}
	return nil
}

var benchLine = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+(.*)`)

// readBenchmarks reads what go test prints of benchmarks: name, number of iterations, and pairs of a value and its unit.
func readBenchmarks(text string) map[string]verification {
	found := map[string]verification{}
	for line := range strings.Lines(text) {
		m := benchLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v := found[m[1]]
		if v == nil {
			v = verification{}
			found[m[1]] = v
		}
		for pair := range slices.Chunk(strings.Fields(m[2]), 2) {
			if value, err := strconv.ParseFloat(pair[0], 64); err == nil && len(pair) == 2 {
				v[pair[1]] = append(v[pair[1]], value)
			}
		}
	}
	return found
}

// The benchmarks of the root package that are read, and the units of what they report.
const (
	benchVerify   = "BenchmarkVerify"
	benchByHand   = "BenchmarkVerifyByHand"
	benchRepeated = "BenchmarkVerifyRepeated"

	unitTime        = "ns/op"
	unitAllocations = "allocs/op"
	unitVerify      = "ns/verify"
	unitByHand      = "ns/by-hand"
	unitRatio       = "ratio"
)
