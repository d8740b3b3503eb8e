package web

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestSpans(t *testing.T) {
	const bad = -1
	for text, want := range map[string]time.Duration{
		`"15m"`: 15 * time.Minute, `"3600s"`: time.Hour, `"1h30m"`: 90 * time.Minute, `"1d"`: day, `"2w"`: 2 * week, `"1w2d3h"`: week + 2*day + 3*time.Hour,
		`3600`: time.Hour, `0`: 0, `"0s"`: 0, `"15m0s"`: 15 * time.Minute, `"10000d"`: 10000 * day,
		`""`: bad, `"1"`: bad, `"d"`: bad, `"soon"`: bad, `"-1h"`: bad, `"-1d"`: bad, `"+1d"`: bad, `"1.5d"`: bad, `"1d1w"`: bad, `"10001d"`: bad, `"99999999999w"`: bad,
		`-5`: bad, `1e3`: bad, `99999999999999999999`: bad, `"1d "`: bad, `"9999999h"`: bad,
	} {
		var s span
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := s.duration("life")
		switch {
		case want == bad && (err == nil || fault.From(err).Field != "life"):
			t.Errorf("%s is %s, %v", text, got, err)
		case want != bad && (err != nil || got != want):
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzSpan(f *testing.F) {
	for _, seed := range []string{"15m", "1w2d", "10000w10000d", "-1d", "1e9h", "9223372036854775807ns", "ddd", "1d-1h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := span(text).duration("x"); err == nil && (d < 0 || d > maxSpan*week+2*maxSpan*day) {
			t.Errorf("%q is %s", text, d)
		}
	})
}
