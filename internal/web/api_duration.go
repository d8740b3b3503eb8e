package web

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/nsc-federation/nsc/internal/fault"
)

// span is a length of time in a request: Go's units and d and w beside them, or a number of seconds.
type span string

const (
	day     = 24 * time.Hour
	week    = 7 * day
	maxSpan = 10_000 // days or weeks, so that nothing overflows
)

// Schema describes a span.
func (span) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		AnyOf:    []*huma.Schema{{Type: huma.TypeString, MaxLength: new(64)}, {Type: huma.TypeInteger}},
		Examples: []any{"15m", "1h30m", "1d", 3600},
	}
}

// UnmarshalJSON takes a text or a number. What it means is found out where the field's name is known.
func (s *span) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(s))
	}
	*s = span(string(b) + "s")
	return nil
}

// duration returns the length of time; the field is named where there is none.
func (s span) duration(field string) (time.Duration, error) {
	var total time.Duration
	rest := string(s)
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", week}, {"d", day}} {
		count, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 32)
		if err != nil || n > maxSpan {
			return 0, badSpan(field)
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest == "" && s != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > maxSpan*day {
		return 0, badSpan(field)
	}
	return total + d, nil
}

func badSpan(field string) error {
	return fault.Invalid(field, "is not a duration: write 90s, 15m, 12h, 1d or 2w, combined as in 1d12h, or a number of seconds")
}
