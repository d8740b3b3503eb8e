package main

import (
	"bytes"
	"fmt"
)

// growth is how the cost of an exchange changed with the size of an installation.
type growth struct {
	of         string
	few, many  int
	ratio      float64
	low, high  float64 // the small one's own spread
	small, big float64 // µs
}

func (l *lab) measureGrowth(r *report) error { return nil }

func (r *report) growing(b *bytes.Buffer) {
	if len(r.growth) == 0 {
		return
	}
	b.WriteString("## Growth\n\n")
	for _, g := range r.growth {
		fmt.Fprintf(b, "| %s | %d | %d | %.1f | %.1f | %.2f | 1.2 | %s |\n", g.of, g.few, g.many, g.small, g.big, g.ratio, reached(g.ratio <= 1.2))
	}
}
