package audit

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const often = 100 * time.Microsecond

// TestACommitWaitsWhereMoreAreToBeExpected measures in the bubble's time, of which everything but waiting takes none.
func TestACommitWaitsWhereMoreAreToBeExpected(t *testing.T) {
	for _, row := range []struct {
		rule     string
		underWay int             // requests
		gap      time.Duration   // that usually lies between two entries
		after    []time.Duration // when further entries come, each after the one before
		waits    time.Duration   // the first entry
		sizes    []int           // of commits
	}{
		{"a lone caller waits for nobody", 1, often, nil, 0, []int{1}},
		{"until all are there that were under way", 3, often, []time.Duration{often, often}, 2 * often, []int{3}},
		{"until none came for three times the usual", 5, often, []time.Duration{often}, 6 * often, []int{2}},
		{"not where entries are rare", 2, 2 * waitAtMost, []time.Duration{often}, 0, []int{1, 1}},
		{
			"no longer than the bound", 100, 3 * often, slices.Repeat([]time.Duration{3 * often}, 7),
			waitAtMost, []int{7, 1}, // the eighth comes at 21
		},
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
		if r.gather.peak != 16 || r.gather.gap > waitAtMost {
			t.Errorf("%d at once, one in %s", r.gather.peak, r.gather.gap)
		}
		for _, f := range end {
			f()
		}
		for range 64 {
			time.Sleep(time.Second)
			collect(t, notes(t, r, 1))
		}
		if r.gather.peak > 1 || r.gather.gap < waitAtMost {
			t.Errorf("%d at once, one in %s", r.gather.peak, r.gather.gap)
		}
	})
}
