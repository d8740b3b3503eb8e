package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// verification is one benchmark of the root package.
type verification struct {
	nanoseconds []float64 // per token
	allocations int
}

var benchLine = regexp.MustCompile(`(?m)^(Benchmark\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?(\d+) allocs/op`)

// measureVerify runs the root package's own benchmarks of Verify and of a verification by hand.
func (l *lab) measureVerify(r *report) error {
	cmd := exec.CommandContext(l.ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkVerify", "-benchtime", "5000x", "-count", strconv.Itoa(l.scale.verified), "-benchmem", ".")
	cmd.Dir = l.source
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("benchmark of Verify: %w: %s", err, text)
	}
	found := map[string]*verification{}
	for _, line := range benchLine.FindAllStringSubmatch(string(text), -1) {
		v := found[line[1]]
		if v == nil {
			v = &verification{}
			found[line[1]] = v
		}
		ns, _ := strconv.ParseFloat(line[2], 64) // as the pattern says
		v.nanoseconds = append(v.nanoseconds, ns)
		v.allocations, _ = strconv.Atoi(line[3])
	}
	for _, name := range []string{benchVerify, benchByHand, benchRepeated} {
		if found[name] == nil {
			return fmt.Errorf("the benchmark %s is gone", name)
		}
	}
	r.verify = found
	return nil
}

// The benchmarks of the root package that are read.
const (
	benchVerify   = "BenchmarkVerify"
	benchByHand   = "BenchmarkVerifyByHand"
	benchRepeated = "BenchmarkVerifyRepeated"
)
