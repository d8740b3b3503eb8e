package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

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

// RFC 9110 §13.1.2: If-None-Match compares weakly, and the comma in a tag separates nothing.
func TestTagsThatTheCallerHas(t *testing.T) {
	for header, want := range map[string]bool{
		`"1"`: true, `W/"1"`: true, `*`: true, ` * `: true, `"2", "1"`: true, `,"2",,W/"1",`: true,
		``: false, `"2"`: false, `1`: false, `"1`: false, `"x,"1",y"`: false, `"2", *`: false, `w/"1"`: false, `W/ "1"`: false,
	} {
		if got := among(header, `"1"`); got != want {
			t.Errorf("%s: %v", header, got)
		}
	}
}

// RFC 9110 §5.3: a list on several lines is one list.
func TestConditionsOnSeveralLines(t *testing.T) {
	heeds := []*huma.Param{{Name: ifMatch, In: "header"}, {Name: ifNoneMatch, In: "header"}}
	header := http.Header{ifMatch: {`"1"`, `"2"`}, ifNoneMatch: {`"3"`, `W/"4"`}}
	if err := checkConditions(http.MethodPatch, header, heeds); err != nil {
		t.Fatal(err)
	}
	if got := header.Get(ifMatch) + "; " + header.Get(ifNoneMatch); got != `"1", "2"; "3", W/"4"` {
		t.Error(got)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		if err := checkConditions(method, header, nil); err != nil {
			t.Errorf("%s, which may ignore them: %v", method, err)
		}
	}
	if f := fault.From(checkConditions(http.MethodPost, header, nil)); f.Field != ifMatch {
		t.Errorf("%+v", f)
	}
}
