package server

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// slack is by how much the heap may grow, in bytes, before it is collected. What nsc uses is so little that the collector
// would otherwise run some hundred times a second under load; where it uses more, the heap may double.
const slack = 32 << 20

const defaultPercent = 100 // by how much Go lets the heap grow

// collector sets the collector's pace after each of its cycles, by what is in use then.
type collector struct {
	used    []metrics.Sample // what a percentage is of
	percent int
}

// collectLess lets the heap grow by the slack from now on.
func collectLess() {
	c := &collector{used: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}}
	c.adjust()
}

func (c *collector) adjust() {
	metrics.Read(c.used)
	used := uint64(1)
	for _, s := range c.used {
		used += s.Value.Uint64()
	}
	// The world stops for it, so a little more or less does not count.
	if p := percentage(used); p > c.percent+c.percent/8 || p < c.percent-c.percent/8 {
		c.percent = p
		debug.SetGCPercent(p)
	}
	end := new([16]byte) // found unused by the next cycle
	runtime.AddCleanup(end, (*collector).adjust, c)
}

// percentage returns by how much a heap of so many bytes may grow.
func percentage(used uint64) int { return int(max(defaultPercent, 100*slack/used)) }
