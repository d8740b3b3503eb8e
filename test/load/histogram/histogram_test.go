package histogram

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsJoinWithoutGap(t *testing.T) {
	next := time.Duration(0)
	for i := range 40 << fine {
		if got := index(next); got != i {
			t.Fatalf("%d ns is in bucket %d, not %d", next, got, i)
		}
		if got := index(upper(i)); got != i {
			t.Fatalf("the last of bucket %d, %d ns, is in bucket %d", i, upper(i), got)
		}
		next = upper(i) + 1
	}
}

func TestLongestDurationHasABucket(t *testing.T) {
	var h Histogram
	h.Record(1<<63 - 1)
	h.Record(-1)
	if h.Total() != 2 || h.Quantile(1) != 1<<63-1 || h.Quantile(0) != 0 {
		t.Errorf("total %d, longest %d, shortest %d", h.Total(), h.Quantile(1), h.Quantile(0))
	}
}

func TestQuantilesAreWithinAThirtySecond(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var parts [3]Histogram
	for i := range 10000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		parts[i%3].Record(d)
	}
	var h Histogram
	for i := range parts {
		h.Add(&parts[i])
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[max(int(q*10000+0.5), 1)-1]
		if got := h.Quantile(q); got < exact || got > exact+exact/32+1 {
			t.Errorf("quantile %g is %v, should be %v", q, got, exact)
		}
	}
	if h.Max() != all[len(all)-1] {
		t.Errorf("max is %v, should be %v", h.Max(), all[len(all)-1])
	}
}

func TestEmptyHistogramHasNoQuantile(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("got %v", got)
	}
}
