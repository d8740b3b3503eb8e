package cli

import (
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/span"
)

const day = span.Day

var errDuration = failure.Misuse("it is not a duration", "write it as 90s, 15m, 12h, 1d or 2w, or combined: 1d12h")

// parseDuration reads a length of time as people write it.
func parseDuration(text string) (time.Duration, error) {
	d, err := span.Parse(text)
	if err != nil {
		return 0, errDuration
	}
	return d, nil
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

// shortDuration writes a duration without the units that are zero.
func shortDuration(d time.Duration) string { return span.Text(d) }
