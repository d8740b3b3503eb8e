// Package span reads and writes lengths of time as people do: Go's units, and days and weeks beside them.
package span

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Units beside Go's.
const (
	Day  = 24 * time.Hour
	Week = 7 * Day
)

const longest = 100 * 366 * Day // far from what overflows

// ErrForm is the error of what is no length of time.
var ErrForm = errors.New("is not a duration; write it as 90s, 15m, 12h, 1d or 2w, or combined: 1d12h")

// Parse reads a length of time. It is not negative.
func Parse(text string) (time.Duration, error) {
	var total time.Duration
	rest := text
	for _, unit := range []struct {
		name   byte
		length time.Duration
	}{{'w', Week}, {'d', Day}} {
		count, after, found := strings.Cut(rest, string(unit.name))
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil || time.Duration(n) > longest/unit.length {
			return 0, ErrForm
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest == "" && text != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || strings.HasPrefix(rest, "+") || d > longest {
		return 0, ErrForm
	}
	return total + d, nil
}

// Text writes a length of time without the units that are zero: 1h, not 1h0m0s.
func Text(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"d", Day}, {"h", time.Hour}, {"m", time.Minute}} {
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
