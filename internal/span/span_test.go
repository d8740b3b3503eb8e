package span

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1d": Day, "2w": 2 * Week, "1w1d1h": Week + Day + time.Hour, "1d12h": 36 * time.Hour, "3600s": time.Hour,
		"": -1, "d": -1, "-1h": -1, "+1h": -1, "1d-1h": -1, "1x": -1, "99999w": -1, "1h1d": -1, "65535w": -1,
	} {
		if got, err := Parse(text); (err != nil) != (want < 0) || want >= 0 && got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}

// What Text writes, Parse reads.
func TestText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Hour: "1h", 26 * time.Hour: "1d2h", 90 * time.Second: "1m30s", 1500 * time.Millisecond: "1.5s", 366 * Day: "366d",
	} {
		got := Text(d)
		if back, err := Parse(got); got != want || err != nil || back != d {
			t.Errorf("Text(%v) = %q, and back %v, %v; want %q", d, got, back, err, want)
		}
	}
}
