package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is what was measured.
type report struct {
	settings  settings
	results   []result
	latencies []latency
	rest      rest
	verify    map[string]verification
	growth    []growth
}

func reached(ok bool) string {
	if ok {
		return "reached"
	}
	return "**not reached**"
}

// write writes the report as Markdown.
func (r *report) write(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("<!-- Written by make bench. Do not edit: what explains it is in docs/design/. -->\n\n# Performance\n\n")
	r.machine(&b)
	r.costs(&b)
	if len(r.latencies) > 0 {
		r.late(&b)
	}
	if r.settings.only == "" {
		r.verification(&b)
		r.resting(&b)
		r.growing(&b)
	}
	_, err := b.WriteTo(w)
	return err
}

// first returns the value of the first line of a file of the form name: value.
func first(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func output(program string, args ...string) string {
	text, err := exec.Command(program, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func (r *report) machine(b *bytes.Buffer) {
	load, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(load), " ")
	fmt.Fprintf(b, "Measured on %s with `make bench`", time.Now().UTC().Format("2006-01-02"))
	if r.settings.short {
		b.WriteString(" in its short mode, which is a look and not a measurement")
	}
	fmt.Fprintf(b, `.

| machine | |
|---|---|
| processor | %s, %d cores |
| kernel | Linux %s |
| Go | %s |
| load average at the end | %s (a machine of its own: about 2) |

Client and servers share this machine, over loopback, with connections that stay open: %d in the closed loop.
CPU is the server's processor time per request in µs, read until the server has nothing left to do: the record's unpacking
is in it, and PostgreSQL's processes are. *Floor* is the standard library doing only what the call cannot do without
(`+"`test/load/floor`"+`). Floor and nsc ran in turns, %d pairs; every external token was a new one. Noise is the floor's own
spread about its median: a difference smaller than it says nothing.

`, first("/proc/cpuinfo", "model name"), runtime.NumCPU(), output("uname", "-r"), strings.TrimPrefix(runtime.Version(), "go"), average,
		r.settings.connections, r.settings.pairs)
}

func (r *report) costs(b *bytes.Buffer) {
	b.WriteString("## CPU per request\n\n")
	b.WriteString("| work | database | floor | nsc | median of ratios | at most | | noise | requests/s, floor and nsc | recorded |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, x := range r.results {
		low, high := x.noise()
		recorded, verdict := "—", reached(x.reached())
		if x.workload.goal == (goal{}) {
			verdict = "—"
		}
		if x.workload.issues {
			recorded = fmt.Sprintf("%d of %d", x.events, x.tokens)
		}
		fmt.Fprintf(b, "| %s | %s | %.1f | %.1f | %.2f (%+.0f µs) | %s | %s | %.2f–%.2f | %.0f, %.0f | %s |\n",
			x.workload.title, x.where,
			x.median(func(p pair) float64 { return micros(p.floor.cost) }), x.median(func(p pair) float64 { return micros(p.nsc.cost) }),
			x.ratio(), x.above(), x.workload.goal, verdict, low, high,
			x.median(func(p pair) float64 { return p.floor.rate }), x.median(func(p pair) float64 { return p.nsc.rate }), recorded)
	}
	b.WriteString("\n")
}

// The goals of latency.
const (
	goalMedian = 3 * time.Millisecond
	goalTail   = 15 * time.Millisecond
)

func (r *report) late(b *bytes.Buffer) {
	b.WriteString("## Latency\n\nAn open loop at half of the load above, each answer counted from the moment at which its request was due; the " +
		"record is durable before the answer.\n\n")
	b.WriteString("| exchange ES256, on | requests/s | p50 | p90 | p99 | p99.9 | longest | p50 ≤ 3 ms, p99 ≤ 15 ms |\n|---|---|---|---|---|---|---|---|\n")
	for _, x := range r.latencies {
		h := &x.outcome.answer
		ok := h.Quantile(.5) <= goalMedian && h.Quantile(.99) <= goalTail
		fmt.Fprintf(b, "| %s | %.0f | %s | %s | %s | %s | %s | %s |\n", x.where, x.rate, ms(h.Quantile(.5)), ms(h.Quantile(.9)),
			ms(h.Quantile(.99)), ms(h.Quantile(.999)), ms(h.Max()), reached(ok))
	}
	b.WriteString("\n")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func (r *report) verification(b *bytes.Buffer) {
	if r.verify == nil {
		return
	}
	turns, again := r.verify[benchByHand], median(r.verify[benchRepeated][unitTime])
	ratio, allocations := median(turns[unitRatio]), median(r.verify[benchVerify][unitAllocations])
	fmt.Fprintf(b, `## Verify, of the root package

| | measured | at most | |
|---|---|---|---|
| a token seen for the first time, in turns with a verification by hand, median of the ratios | %.1f µs, %.1f µs by hand: %.2f | 1.1 | %s |
| allocations for it | %.0f | 60 | %s |
| a token seen before | %.2f µs | 2 µs | %s |

`, median(turns[unitVerify])/1e3, median(turns[unitByHand])/1e3, ratio, reached(ratio <= 1.1), allocations, reached(allocations <= 60),
		again/1e3, reached(again <= 2000))
}

// The goals of what nsc takes without load.
const (
	goalStart    = 100 * time.Millisecond
	goalResident = 40 << 20
	goalTrusts   = 25 << 20 // for 10,000 trusts with conditions
	goalProgram  = 45e6
)

func (r *report) resting(b *bytes.Buffer) {
	x := r.rest
	mib := func(n int64) float64 { return float64(n) / (1 << 20) }
	fmt.Fprintf(b, `## At rest

| | measured | at most | |
|---|---|---|---|
| start-up to ready, existing SQLite database, median of %d | %s | 100 ms | %s |
| memory (VmRSS) %s after the start | %.1f MiB | 40 MiB | %s |
`, r.settings.scale.starts, ms(x.startUp), reached(x.startUp <= goalStart), r.settings.scale.rest, mib(x.resident), reached(x.resident <= goalResident))
	if x.trusts > 0 {
		fmt.Fprintf(b, "| the same, more of it with %d trusts with a condition each in use | %.1f MiB | 25 MiB | %s |\n",
			x.trusts, mib(x.warm-x.cold), reached(x.warm-x.cold <= goalTrusts))
	}
	fmt.Fprintf(b, "| program, stripped | %.1f MB | 45 MB | %s |\n\n", float64(x.program)/1e6, reached(x.program <= goalProgram))
}
