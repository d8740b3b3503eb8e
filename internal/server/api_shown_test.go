package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// takes reports whether an operation has a parameter.
func (op *operation) takes(name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == name })
}

// one reports whether an operation is about one thing that its path names.
func (op *operation) one() bool {
	return strings.HasSuffix(op.path, "}") || strings.Contains(op.path, "{id}")
}

// shown returns, for every operation that shows one thing, the path of one.
func (s *running) shown(t *testing.T, i *issuer) map[string]string {
	t.Helper()
	trust, base := s.trust(t, i, nil), apiRoot+"/dev"
	made := func(path string, body any) string {
		return fmt.Sprint(base, path, "/", s.call(t, "POST", base+path, s.bearer(t), body).body["id"])
	}
	return map[string]string{
		"describe-workspace":          base,
		"describe-trust-relationship": base + "/trust-relationships/" + trust,
		"describe-revocable-token":    made("/revocable-tokens", map[string]any{"name": "backup", "grants": []any{}}),
		"describe-cut-off":            made("/cut-offs", map[string]any{"issuer": "https://other.example.com", "reason": "gone"}),
		"explain-refusal": fmt.Sprint(base, "/refusals/",
			s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:acme/other"}))), "/explanation"),
	}
}

// RFC 9110 §8.8.3 and §13.1.2: whatever is shown by itself has an entity tag, and is not sent to who has it.
func TestWhateverIsShownHasAnEntityTag(t *testing.T) {
	s := start(t, devConfig(t))
	shown := s.shown(t, newIssuer(t))
	for _, op := range theDocument().operations() {
		if op.method != http.MethodGet || !op.one() {
			continue
		}
		path, ok := shown[op.ID]
		if _, told := op.Responses["304"]; !ok || !told || !op.takes("If-None-Match") {
			t.Errorf("%s shows one thing, and does not know who has it", op.ID)
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			read := func(headers ...string) reply { return s.call(t, "GET", path, s.bearer(t), nil, headers...) }
			first := read()
			tag := first.header.Get("ETag")
			if first.status != http.StatusOK || len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
				t.Fatalf("%v, ETag %s", first, tag)
			}
			for header, status := range map[string]int{
				tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, `"a,b" , ,W/` + tag: 304, "*": 304, `"x"`: 200, strings.Trim(tag, `"`): 200, `"` + tag: 200,
			} {
				if r := read("If-None-Match", header); r.status != status || r.header.Get("ETag") != tag || (r.text == "") != (status == 304) {
					t.Errorf("If-None-Match %s: %v, ETag %s", header, r, r.header.Get("ETag"))
				}
			}
		})
	}
}

// Rule 7: what is shown to its workspace is to another one what does not exist.
func TestRule07WhateverIsShownIsUnknownElsewhere(t *testing.T) {
	s := start(t, devConfig(t))
	other := s.otherWorkspace(t, "other")
	for name, path := range s.shown(t, newIssuer(t)) {
		if name == "describe-workspace" {
			continue
		}
		path = strings.Replace(path, "/dev/", "/other/", 1)
		parts := strings.Split(path, "/")
		parts[6] = strings.Repeat("a", 26)
		foreign, unknown := s.call(t, "GET", path, other, nil, "If-None-Match", "*"), s.call(t, "GET", strings.Join(parts, "/"), other, nil)
		if foreign.status != http.StatusNotFound || foreign.text != unknown.text {
			t.Errorf("%s: foreign %v, unknown %v", name, foreign, unknown)
		}
	}
}

// An entity tag that is a digest is another one where what is shown is.
func TestAnotherExplanationHasAnotherEntityTag(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	trust := s.trust(t, i, nil)
	path := fmt.Sprint(apiRoot, "/dev/refusals/", s.refuse(t, "/w/dev/token", i.sign(t, "k1", i.claims(s, map[string]any{"sub": "ci:acme/other"}))), "/explanation")
	before := s.call(t, "GET", path, s.bearer(t), nil).header.Get("ETag")
	s.call(t, "PATCH", apiRoot+"/dev/trust-relationships/"+trust, s.bearer(t), map[string]any{"subject_match": "ci:acme/others"})
	if r := s.call(t, "GET", path, s.bearer(t), nil, "If-None-Match", before); r.status != http.StatusOK || r.header.Get("ETag") == before {
		t.Errorf("%v, ETag %s", r, r.header.Get("ETag"))
	}
}

// RFC 9110 §13.1.1: a change of what has a revision is made to the revision that the caller knows, or not at all; and no
// call does what a condition forbids because it does not know it.
func TestEveryChangeHeedsItsCondition(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	base := apiRoot + "/dev"
	trust := func() string { return base + "/trust-relationships/" + s.trust(t, i, nil) }
	revocable := func() string {
		r := s.call(t, "POST", base+"/revocable-tokens", s.bearer(t), map[string]any{"name": "backup", "grants": []any{}})
		return fmt.Sprint(base, "/revocable-tokens/", r.body["id"])
	}
	changes := map[string]struct {
		thing func() string
		call  string // below the thing
		body  any
	}{
		"update-trust-relationship": {trust, "", map[string]any{"description": "x"}},
		"remove-trust-relationship": {trust, "", nil},
		"refresh-revocable-token":   {revocable, "/refresh", map[string]any{}},
		"revoke-revocable-token":    {revocable, "", nil},
	}
	unrevised := []string{"lift-cut-off"} // what it removes never changes
	for _, op := range theDocument().operations() {
		if op.method == http.MethodGet || !op.one() || slices.Contains(unrevised, op.ID) {
			continue
		}
		change, ok := changes[op.ID]
		if _, told := op.Responses["412"]; !ok || !told || !op.takes("If-Match") {
			t.Errorf("%s changes one thing, whatever it has become", op.ID)
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			for _, present := range []string{"*", `"7", "1"`} {
				path := change.thing()
				before := s.state(t)
				for header, status := range map[string]int{`"2"`: 412, `W/"1"`: 412, `"x", "2"`: 412, `1`: 422, ``: 422, ` , `: 422} {
					r := s.call(t, op.method, path+change.call, s.bearer(t), change.body, "If-Match", header)
					if r.status != status || status == 422 && r.body["field"] != "If-Match" {
						t.Errorf("If-Match %s: %v", header, r)
					}
				}
				if s.state(t) != before {
					t.Error("a refused call changed something")
				}
				r := s.call(t, op.method, path+change.call, s.bearer(t), change.body, "If-Match", present)
				if r.status/100 != 2 || op.method != http.MethodDelete && r.header.Get("ETag") != `"2"` {
					t.Errorf("If-Match %s: %v, ETag %s", present, r, r.header.Get("ETag"))
				}
				late := s.call(t, op.method, path+change.call, s.bearer(t), change.body, "If-Match", `"1"`)
				if want := map[bool]int{true: 404, false: 412}[op.method == http.MethodDelete]; late.status != want {
					t.Errorf("once more: %v", late)
				}
			}
		})
	}
}

func TestAConditionThatACallDoesNotHeedIsRefused(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	creations, before := s.creations(t, i), s.state(t)
	for _, op := range theDocument().operations() {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			if op.method == http.MethodGet || op.takes(name) {
				continue
			}
			path, token, body := strings.NewReplacer("{workspace}", "dev", "{id}", strings.Repeat("a", 26)).Replace(op.path), s.bearer(t), any(nil)
			if op.Request != nil {
				body = example(op)
			}
			if create, ok := creations[op.ID]; ok {
				path, token, body = create(0)
			}
			if r := s.call(t, op.method, path, token, body, name, `"1"`); r.status != http.StatusUnprocessableEntity || r.body["field"] != name {
				t.Errorf("%s with %s: %v", op.ID, name, r)
			}
		}
	}
	if s.state(t) != before {
		t.Error("a refused call changed something")
	}
}

// RFC 9110 §13.2.1: a condition is no answer to who may not do it anyway.
func TestAConditionTellsNothingToWhoMayNot(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	whole := []any{grant("workspace", "*", "admin")}
	trust := s.trust(t, i, map[string]any{"subject_match": "ci:acme/admin", "grants": whole})
	revocable := s.call(t, "POST", apiRoot+"/dev/revocable-tokens", s.bearer(t), map[string]any{"name": "admin", "grants": whole}).body["id"]
	writer := s.limited(t, i, "ci:acme/writer", grant("workspace", "trust", "write"), grant("workspace", "token", "write"))
	for _, path := range []string{"/dev/trust-relationships/" + trust, fmt.Sprint("/dev/revocable-tokens/", revocable)} {
		if r := s.call(t, "DELETE", apiRoot+path, writer, nil, "If-Match", `"7"`); r.status != http.StatusForbidden {
			t.Errorf("%s: %v", path, r)
		}
	}
}

// RFC 9110 §10.2.2 and §15.3.2: what is created says where it is, when the call is sent again too, and what is there has the
// entity tag that the answer told.
func TestEveryCreationSaysWhere(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	creations := s.creations(t, i)
	for _, op := range theDocument().operations() {
		if _, creates := op.Responses["201"]; !creates {
			continue
		}
		create, ok := creations[op.ID]
		if !ok {
			t.Errorf("%s creates something and is not tested", op.ID)
			continue
		}
		path, token, body := create(0)
		first := s.call(t, op.method, path, token, body, key(op.ID)...)
		again := s.call(t, op.method, path, token, body, key(op.ID)...)
		place := first.header.Get("Location")
		if !strings.HasPrefix(place, path+"/") || again.header.Get("Location") != place || again.header.Get("ETag") != first.header.Get("ETag") {
			t.Errorf("%s: Location %q, then %q", op.ID, place, again.header.Get("Location"))
		}
		shown := s.call(t, "GET", place, token, nil)
		if tag := first.header.Get("ETag"); shown.status != http.StatusOK || tag != "" && shown.header.Get("ETag") != tag {
			t.Errorf("%s: %v, ETag %s, told %s", op.ID, shown, shown.header.Get("ETag"), tag)
		}
		for _, name := range []string{"id", "workspace_id"} {
			if first.body[name] != shown.body[name] {
				t.Errorf("%s created %v, at its place is %v", op.ID, first, shown)
			}
		}
	}
	trust := s.trust(t, i, nil)
	if r := s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"trust": trust}); r.status != http.StatusCreated || r.header.Get("Location") != "" {
		t.Errorf("what leaves no cut-off behind: %v, Location %s", r, r.header.Get("Location"))
	}
}
