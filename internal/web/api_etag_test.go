package web

import (
	"slices"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestRevisions(t *testing.T) {
	for header, want := range map[string][]int64{
		``: {0}, `*`: {0}, ` * `: {0}, `"1"`: {1}, ` "12" `: {12}, `"9223372036854775807"`: {9223372036854775807},
		`"0"`: {noRevision}, `"-1"`: {noRevision}, `"01"`: {noRevision}, `"+1"`: {noRevision}, `"x"`: {noRevision}, `""`: {noRevision},
		`W/"1"`: {noRevision}, `"9223372036854775808"`: {noRevision}, `"a,b"`: {noRevision},
		`"1", "2"`: {1, 2}, `"1","2"`: {1, 2}, `, "1" ,	"1",, "2",`: {1, 2}, `W/"1", "2"`: {noRevision, 2}, `"a,b","3"`: {noRevision, 3},
		`1`: nil, `"1`: nil, `1"`: nil, `"`: nil, `W/1`: nil, `W/`: nil, `'1'`: nil, `"1" "2"`: nil, `"1"x`: nil, `*, "1"`: nil, `"1", *`: nil, `,`: nil,
		strings.Repeat(`"1",`, 17): nil,
	} {
		got, err := revisionsOf(header)
		switch {
		case want == nil && (err == nil || fault.From(err).Field != "If-Match"):
			t.Errorf("%s is %d, %v", header, got, err)
		case want != nil && (err != nil || !slices.Equal(got, want)):
			t.Errorf("%s is %d, %v, want %d", header, got, err, want)
		}
	}
}
