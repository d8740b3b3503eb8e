package cli

import (
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/span"
)

var errMoment = failure.Misuse("it is neither a time nor a duration",
	"write it as 2026-01-31T12:00:00Z (RFC 3339), 2026-01-31, or as a duration such as 90m, 1d or 2w")

// moment reads a point in time: RFC 3339, a date (its beginning, in UTC), or a duration before or after now.
func moment(text string, fromNow func(time.Duration) time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	d, err := parseDuration(text)
	if err != nil {
		return time.Time{}, errMoment
	}
	return fromNow(d), nil
}

// flagMoment reads the value of a flag that is a point in time; "" is the zero time.
func flagMoment(flag, text string, fromNow func(time.Duration) time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := moment(text, fromNow)
	if err != nil {
		return t, failure.Misuse("the value of "+flag+", \""+text+"\", is not accepted: "+errMoment.What, "%s", errMoment.Todo)
	}
	return t, nil
}

func (p *program) ago(d time.Duration) time.Time     { return p.now().Add(-d) }
func (p *program) fromNow(d time.Duration) time.Time { return p.now().Add(d) }

// clock writes a time for people, in their zone.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// relative writes a time as people speak of it: how long ago, or in how long. It keeps two units.
func (p *program) relative(t time.Time) string {
	d := t.Sub(p.now())
	switch {
	case d <= -time.Second:
		return about(-d) + " ago"
	case d >= time.Second:
		return "in " + about(d)
	}
	return "now"
}

// about rounds a duration to what matters of it.
func about(d time.Duration) string {
	switch {
	case d >= span.Week:
		d = d.Round(day)
	case d >= day:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Second)
	}
	return shortDuration(d)
}

// when writes a time both ways.
func (p *program) when(t time.Time) string { return clock(t) + " (" + p.relative(t) + ")" }
