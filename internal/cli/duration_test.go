package cli

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"3600s": time.Hour, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "500ms": 500 * time.Millisecond, "0s": 0,
		"1d": day, "2w": 14 * day, "1d12h": 36 * time.Hour, "1w2d": 9 * day, "1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second,
		"0d": 0, "366d": 366 * day, "1d500ms": day + 500*time.Millisecond,
	} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "1", "3600", "d", "1x", "-1h", "-1d", "+1h", "1d-1h", "1d+1h", "1.5d", "1d1w", "1d1d", "1h1d", "1w 1d", " 1h", "65536d",
		"65535w", "9223372036854775807s", "1dd", "w", "1e3d",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v", text, got)
		}
	}
}

func TestADurationOfNothingIsNotTheDefault(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "0": 0, "0d": 0, "999ms": 0, "1s": time.Second, "90m": 90 * time.Minute} {
		var d duration
		if err := d.Set(text); (err == nil) != (want > 0) || err == nil && time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "1s": time.Second, "1.5s": 1500 * time.Millisecond, "15m": 15 * time.Minute, "1h": time.Hour,
		"1d": day, "30d": 30 * day, "1d2h3m4s": 26*time.Hour + 3*time.Minute + 4*time.Second,
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %q, want %q", d, got, want)
		}
		if back, err := parseDuration(want); err != nil || back != d {
			t.Errorf("%q is read back as %v, %v", want, back, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"1w2d3h", "3600s", "1.5h", "", "1d1d", "9999999h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is %v", text, d)
		}
		if back, err := parseDuration(shortDuration(d.Round(time.Second))); err != nil || back != d.Round(time.Second) {
			t.Fatalf("%q is %v, written %q, read back %v, %v", text, d, shortDuration(d), back, err)
		}
	})
}

func TestMoment(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	for text, want := range map[string]time.Time{
		"2026-01-31T12:00:00Z": noon, "2026-01-31T14:00:00+02:00": noon, "2026-01-31": noon.Add(-12 * time.Hour),
		"90m": noon.Add(-90 * time.Minute), "1d": noon.Add(-day),
	} {
		if got, err := moment(text, ago); err != nil || !got.Equal(want) {
			t.Errorf("moment(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "12:00", "2026-13-01", "2026-01-31 12:00:00"} {
		if got, err := moment(text, ago); err == nil {
			t.Errorf("moment(%q) = %v", text, got)
		}
	}
}

func TestRelative(t *testing.T) {
	p := &program{now: func() time.Time { return noon }}
	for want, d := range map[string]time.Duration{
		"now": 0, "in 5s": 5 * time.Second, "3m ago": -3 * time.Minute, "in 1h1m": time.Hour + 61*time.Second,
		"2d1h ago": -(2*day + time.Hour + time.Minute), "in 30d": 30*day + time.Hour,
	} {
		if got := p.relative(noon.Add(d)); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
