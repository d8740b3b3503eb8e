package server

import (
	"testing"
	"time"
)

// Seen to fail on the clock alone: set forward by a day and back, it made the node forget cut-offs and single uses of
// tokens that were good again afterwards.
func TestAClockThatStepsForwardForgetsNothing(t *testing.T) {
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, row := range []struct {
		rule            string
		passed, stepped time.Duration
		want            time.Duration // from the beginning
	}{
		{"nothing happened", time.Hour, 0, time.Hour - sweepAfter},
		{"the clock was set forward by a day", time.Hour, 24 * time.Hour, time.Hour - sweepAfter},
		{"by a second, as clocks are", time.Hour, time.Second, time.Hour - sweepAfter},
		{"it was set back by a day", time.Hour, -24 * time.Hour, -23*time.Hour - sweepAfter},
	} {
		got := expiredFor(began, began.Add(row.passed+row.stepped), row.passed)
		if want := began.Add(row.want); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", row.rule, got, want)
		}
	}
}
