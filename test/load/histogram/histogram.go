// Package histogram counts durations in buckets that are as wide as the durations are long: log-linear, so that a
// microsecond and a minute are both told to within a thirty-second of their length, in a fixed amount of memory.
package histogram

import (
	"math/bits"
	"time"
)

// A bucket is a thirty-second of its power of two. Below 64 ns every nanosecond has a bucket of its own.
const (
	fine    = 5
	buckets = (64 - fine) << fine
)

// Histogram is the counts. The zero value is empty. It is for one goroutine; Add joins those of several.
type Histogram struct {
	counts [buckets]int64
	total  int64
	max    time.Duration
}

// index returns the bucket of a duration.
func index(d time.Duration) int {
	n := uint64(max(d, 0))
	shift := max(bits.Len64(n)-fine-1, 0)
	return shift<<fine + int(n>>shift)
}

// upper returns the longest duration of a bucket.
func upper(i int) time.Duration {
	shift := max(i>>fine-1, 0)
	first := uint64(i-shift<<fine) << shift
	return time.Duration(first + 1<<shift - 1)
}

// Record counts a duration. One that is below zero counts as zero.
func (h *Histogram) Record(d time.Duration) {
	h.counts[index(d)]++
	h.total++
	h.max = max(h.max, d)
}

// Add counts what another histogram has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// Total returns how many durations were counted.
func (h *Histogram) Total() int64 { return h.total }

// Max returns the longest.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile returns a duration that the given part of all, 0 to 1, does not exceed: at most a thirty-second more than
// the smallest such. It is 0 where nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(int64(q*float64(h.total)+0.5), 1)
	var seen int64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(upper(i), h.max)
		}
	}
	return 0
}
