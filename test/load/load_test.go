package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// glance measures nothing: it is the whole way, with as little of everything as there can be.
var glance = scale{
	part: 200, held: 20, known: 5, openFor: 200 * time.Millisecond, starts: 2, rest: time.Millisecond, verified: 1,
	trusts: 20, workspaces: 6, used: 2, issuers: 3, conditioned: 20,
}

// Everything that is measured still runs on nsc as it is, and the report has it all.
func TestEverythingIsMeasured(t *testing.T) {
	bin, out := t.TempDir(), filepath.Join(t.TempDir(), "report.md")
	build(t, "../..", filepath.Join(bin, "nsc"), "./cmd/nsc")
	build(t, ".", filepath.Join(bin, "floor"), "./floor")
	err := measure(t.Context(), settings{
		nsc: filepath.Join(bin, "nsc"), floor: filepath.Join(bin, "floor"), source: "../..", out: out,
		connections: 4, pairs: 1, scale: glance, grown: true, postgres: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"| PostgreSQL |", "## Latency", "a token seen before", "start-up to ready", "with 20 trusts", "| trusts of a workspace | 10 | 20 |",
		"| issuers of a workspace | 1 | 3 |", "of which 2 issue | 1 | 6 |"}
	for _, w := range workloads {
		want = append(want, "| "+w.title+" |")
	}
	for _, part := range want {
		if !strings.Contains(string(text), part) {
			t.Errorf("%q is not in the report:\n%s", part, text)
		}
	}
}

func build(t *testing.T, folder, program, of string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, of)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// What the benchmark of turns reports is read, and not the time of both turns together.
func TestBenchmarksAreReadByUnit(t *testing.T) {
	found := readBenchmarks(`goos: linux
BenchmarkVerify-2           	   29888	     79551 ns/op	    7820 B/op	      45 allocs/op
BenchmarkVerifyByHand-2     	   14530	    166019 ns/op	     76182 ns/by-hand	     74464 ns/verify	         0.9774 ratio
BenchmarkVerifyByHand-2     	   14530	    166019 ns/op	     76182 ns/by-hand	     74464 ns/verify	         0.9974 ratio
PASS
`)
	if got := found[benchByHand][unitRatio]; !slices.Equal(got, []float64{0.9774, 0.9974}) {
		t.Errorf("ratios %v", got)
	}
	if got := found[benchVerify][unitAllocations]; !slices.Equal(got, []float64{45}) {
		t.Errorf("allocations %v", got)
	}
}
