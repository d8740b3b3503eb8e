package audit

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const often = 50 * time.Microsecond

// TestACommitWaitsWhereMoreAreToBeExpected measures in the bubble's time, of which everything but waiting takes none.
func TestACommitWaitsWhereMoreAreToBeExpected(t *testing.T) {
	for _, row := range []struct {
		rule     string
		underWay int             // requests
		gap      time.Duration   // that usually lies between two entries
		after    []time.Duration // when further entries come, each after the one before
		busy     time.Duration   // for how long goroutines queue for the processors
		waits    time.Duration   // the first entry
		sizes    []int           // of commits
	}{
		{"a lone caller waits for nobody", 1, often, nil, time.Hour, 0, []int{1}},
		{"until all are there that were under way", 3, often, []time.Duration{often, often}, 0, 2 * often, []int{3}},
		{"until none came for three times the usual", 5, often, []time.Duration{often}, 0, 6 * often, []int{2}},
		{"not where entries are rare", 2, 2 * waitAtMost, []time.Duration{often}, 0, 0, []int{1, 1}},
		{
			"no longer than the bound", 100, 3 * often, slices.Repeat([]time.Duration{3 * often}, 4),
			0, waitAtMost, []int{4, 1}, // the fifth comes at 12
		},
		{
			"while the processors have more to do", 5, 2 * waitAtMost, []time.Duration{3 * busyPeriod, busyPeriod},
			4*busyPeriod + often, 5 * busyPeriod, []int{3},
		},
		{
			"not for ever while the processors have more to do", 5, often, []time.Duration{busyAtMost + often},
			time.Hour, busyAtMost, []int{1, 1},
		},
		{"not where entries are rare, however busy", 2, 2 * busyAtMost, []time.Duration{often}, time.Hour, 0, []int{1, 1}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &memory{}
				r := open(t, log)
				for range row.underWay {
					defer r.UnderWay()()
				}
				r.gather.gap, r.gather.last = row.gap, time.Now().Add(-row.gap)
				waited := make(chan time.Duration, 1)
				began := time.Now()
				r.gather.busy = func() bool { return time.Since(began) < row.busy }
				go func() {
					collect(t, notes(t, r, 1))
					waited <- time.Since(began)
				}()
				var rest []chan error
				for _, wait := range row.after {
					time.Sleep(wait) // of the bubble's time
					rest = append(rest, notes(t, r, 1))
				}
				if got := <-waited; got != row.waits {
					t.Errorf("waited %s, want %s", got, row.waits)
				}
				for _, errs := range rest {
					collect(t, errs)
				}
				if got := log.sizes(); !slices.Equal(got, row.sizes) {
					t.Errorf("commits of %v, want %v", got, row.sizes)
				}
			})
		})
	}
}

// The time between entries and the requests at once are what they were lately, not ever.
func TestWhatIsExpectedFollowsTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, &memory{})
		end := make([]func(), 16)
		for i := range end {
			end[i] = r.UnderWay()
		}
		for range 64 {
			time.Sleep(often)
			collect(t, notes(t, r, 1))
		}
		if r.gather.peak != 16 || r.gather.gap > often+waitAtMost {
			t.Errorf("%d at once, one in %s", r.gather.peak, r.gather.gap)
		}
		for _, f := range end {
			f()
		}
		for range 64 {
			time.Sleep(time.Second)
			collect(t, notes(t, r, 1))
		}
		if r.gather.peak > 1 || r.gather.gap < often+waitAtMost {
			t.Errorf("%d at once, one in %s", r.gather.peak, r.gather.gap)
		}
	})
}
