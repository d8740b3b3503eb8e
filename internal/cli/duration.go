package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

const (
	day  = 24 * time.Hour
	week = 7 * day

	longest = 100 * 366 * day // far from what overflows
)

var errDuration = failure.Misuse("it is not a duration", "write it as 90s, 15m, 12h, 1d or 2w, or combined: 1d12h")

// parseDuration reads Go's durations with the units d (24 hours) and w (7 days) beside them. They are not negative.
func parseDuration(text string) (time.Duration, error) {
	var total time.Duration
	rest := text
	for _, unit := range []struct {
		name   byte
		length time.Duration
	}{{'w', week}, {'d', day}} {
		count, after, found := strings.Cut(rest, string(unit.name))
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil || time.Duration(n) > longest/unit.length {
			return 0, errDuration
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest == "" && text != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") || d > longest {
		return 0, errDuration
	}
	return total + d, nil
}

var errNoTime = failure.Misuse("it is shorter than a second", "give at least 1s, or leave the flag out for its default")

// duration is a flag's value. Its zero value is a flag that is not given, so 0s must not be taken for it: whoever writes
// that wants the least, not the default. What is below a second would become 0 on its way.
type duration time.Duration

func (d *duration) Set(text string) error {
	parsed, err := parseDuration(text)
	if err == nil && parsed < time.Second {
		err = errNoTime
	}
	*d = duration(parsed)
	return err
}

func (d *duration) Type() string { return "duration" }

func (d *duration) String() string {
	if *d == 0 {
		return ""
	}
	return shortDuration(time.Duration(*d))
}

// shortDuration writes a duration without the units that are zero: 1h, not 1h0m0s.
func shortDuration(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.length; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + unit.name)
			d %= unit.length
		}
	}
	if d != 0 || b.Len() == 0 {
		b.WriteString(strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s")
	}
	return b.String()
}
