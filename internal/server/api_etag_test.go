package server

import (
	"net/http"
	"strings"
	"testing"
)

// RFC 9110 §13: a change can be made to the revision that was read or not at all, and a read can be spared.
func TestEntityTags(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	path := apiRoot + "/dev/trust-relationships/" + s.trust(t, i, nil)
	read := func(headers ...string) reply { return s.call(t, "GET", path, s.bearer(t), nil, headers...) }
	change := func(words string, headers ...string) reply {
		return s.call(t, "PATCH", path, s.bearer(t), map[string]any{"description": words}, headers...)
	}
	if r := read(); r.header.Get("ETag") != `"1"` {
		t.Fatalf("ETag %q", r.header.Get("ETag"))
	}
	for tags, status := range map[string]int{
		`"1"`: 304, `W/"1"`: 304, `"0", "1"`: 304, `*`: 304, `"2"`: 200, `1`: 200, `"11"`: 200, ``: 200,
	} {
		r := read("If-None-Match", tags)
		if r.status != status || r.header.Get("ETag") != `"1"` || (r.text == "") != (status == 304) {
			t.Errorf("If-None-Match %s: %v, ETag %s", tags, r, r.header.Get("ETag"))
		}
	}
	for _, c := range []struct {
		name, tag string
		status    int
		code      any
	}{
		{"a later one", `"2"`, 412, "stale"},
		{"none of ours", `"abc"`, 412, "stale"},
		{"written otherwise", `"01"`, 412, "stale"},
		{"weak: RFC 9110 §13.1.1 compares strongly", `W/"1"`, 412, "stale"},
		{"no entity tag", `1`, 422, "invalid_field"},
		{"several, none of which is it", `"2", "3"`, 412, "stale"},
		{"half of a list", `"1", 2`, 422, "invalid_field"},
		{"half of one", `"1`, 422, "invalid_field"},
	} {
		if r := change("x", "If-Match", c.tag); r.status != c.status || r.body["code"] != c.code || c.status == 422 && r.body["field"] != "If-Match" {
			t.Errorf("%s: %v", c.name, r)
		}
	}
	if r := read(); r.header.Get("ETag") != `"1"` {
		t.Errorf("a refused change moved the revision to %s", r.header.Get("ETag"))
	}
	for words, tag := range map[string]string{"first": `"1"`} {
		if r := change(words, "If-Match", tag); r.status != http.StatusOK || r.header.Get("ETag") != `"2"` || r.body["revision"] != 2.0 {
			t.Errorf("the present one: %v, ETag %s", r, r.header.Get("ETag"))
		}
	}
	if r := change("second", "If-Match", "*"); r.status != http.StatusOK || r.header.Get("ETag") != `"3"` {
		t.Errorf("any: %v", r)
	}
	if r := change("third"); r.status != http.StatusOK || r.header.Get("ETag") != `"4"` {
		t.Errorf("none: %v", r)
	}
	if r := s.call(t, "DELETE", path, s.bearer(t), nil, "If-Match", `"3"`); r.status != http.StatusPreconditionFailed {
		t.Errorf("removed at an old revision: %v", r)
	}
	if r := s.call(t, "DELETE", path, s.bearer(t), nil, "If-Match", `"4"`); r.status != http.StatusNoContent || r.text != "" {
		t.Errorf("removed: %v", r)
	}
	if r := read("If-None-Match", `"4"`); r.status != http.StatusNotFound {
		t.Errorf("what is gone: %v", r)
	}
}

func TestANewTrustHasItsEntityTag(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), map[string]any{"issuer": i.URL, "subject_match": "ci:acme/api"})
	if r.status != http.StatusCreated || r.header.Get("ETag") != `"1"` || !strings.Contains(r.text, `"revision":1`) {
		t.Errorf("%v, ETag %s", r, r.header.Get("ETag"))
	}
}
