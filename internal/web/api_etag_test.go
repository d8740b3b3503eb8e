package web

import (
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestRevisions(t *testing.T) {
	const bad = -2
	for header, want := range map[string]int64{
		``: 0, `*`: 0, ` * `: 0, `"1"`: 1, ` "12" `: 12, `"9223372036854775807"`: 9223372036854775807,
		`"0"`: noRevision, `"-1"`: noRevision, `"01"`: noRevision, `"+1"`: noRevision, `"x"`: noRevision, `""`: noRevision, `W/"1"`: noRevision,
		`"9223372036854775808"`: noRevision,
		`1`:                     bad, `"1`: bad, `1"`: bad, `"`: bad, `"1", "2"`: bad, `W/1`: bad, `W/`: bad, `'1'`: bad,
	} {
		got, err := revisionOf(header)
		switch {
		case want == bad && (err == nil || fault.From(err).Field != "If-Match"):
			t.Errorf("%s is %d, %v", header, got, err)
		case want != bad && (err != nil || got != want):
			t.Errorf("%s is %d, %v, want %d", header, got, err, want)
		}
	}
}
