package server

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// wrong is a body with one thing wrong in it.
type wrong struct {
	what  string
	field string // by its path
	body  any
	must  bool // be refused; otherwise it may also be taken
	bound bool // it is beyond one that the document does not tell
}

// misuses returns what a caller may get wrong in a body. One that is no object has no field to be named.
func (d *document) misuses(s *schema, body map[string]any) []wrong {
	return slices.DeleteFunc(d.wrongs(s, body), func(w wrong) bool {
		_, object := w.body.(map[string]any)
		return !object
	})
}

// wrongs returns what a caller may get wrong in a value that fits a schema: each member, whatever is in it, and itself.
func (d *document) wrongs(s *schema, value any) []wrong {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	all := misfits(s, value)
	switch value := value.(type) {
	case map[string]any:
		if s.Properties != nil {
			all = append(all, wrong{"unknown", "isuer", with(value, "isuer", "x"), true, false})
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			all = append(all, d.wrongMember(s, value, name, value[name])...)
		}
	case []any:
		for _, w := range d.wrongs(s.Items, value[0]) {
			all = append(all, wrong{w.what, below("[0]", w.field), append([]any{w.body}, value[1:]...), w.must, w.bound})
		}
	}
	return all
}

func (d *document) wrongMember(s *schema, object map[string]any, name string, member any) []wrong {
	of := s.Properties[name]
	if of == nil {
		if text, ok := s.Additional.(map[string]any); !ok || text["type"] != "string" {
			return nil // anything may be there
		}
		of = &schema{Type: "string"}
	}
	required := slices.Contains(s.Required, name)
	all := []wrong{{"null", name, with(object, name, nil), required, false}}
	if required {
		without := maps.Clone(object)
		delete(without, name)
		all = append(all, wrong{"missing", name, without, true, false})
	}
	for _, w := range d.wrongs(of, member) {
		all = append(all, wrong{w.what, below(name, w.field), with(object, name, w.body), w.must, w.bound})
	}
	return all
}

// misfits returns what does not fit a schema in place of a value, or may not: what is empty.
func misfits(s *schema, value any) (all []wrong) {
	must := func(what string, bad ...any) {
		for _, b := range bad {
			told := what != "length" && what != "number" || s.MaxLength+s.MaxItems > 0
			all = append(all, wrong{fmt.Sprintf("%.40s", fmt.Sprint(what, " ", b)), "", b, true, !told})
		}
	}
	may := func(bad any) { all = append(all, wrong{"empty", "", bad, false, false}) }
	switch {
	case s.AnyOf != nil: // a length of time
		must("type", true, []any{}, map[string]any{})
		must("length of time", "soon", "", "-1h", -60, 1.5, 1e17, "9999999h", strings.Repeat("1", 100))
	case s.Type == "string":
		must("type", 17, true, []any{}, map[string]any{})
		must("length", strings.Repeat("x", max(s.MaxLength+1, 40000)))
		may("")
		if s.Enum != nil || s.Format != "" {
			must("choice", "magic")
		}
	case s.Type == "boolean":
		must("type", "yes", 1, []any{})
	case s.Type == "array":
		must("type", "x", 17, map[string]any{})
		many := make([]any, max(s.MaxItems+1, 65))
		for i := range many {
			many[i] = value.([]any)[0]
		}
		must("number", many)
		may([]any{})
	default:
		must("type", "x", 17, []any{})
		may(map[string]any{})
	}
	return all
}

func with(object map[string]any, name string, member any) map[string]any {
	object = maps.Clone(object)
	object[name] = member
	return object
}

// below joins names to a path.
func below(path, rest string) string {
	if rest == "" || rest[0] == '[' {
		return path + rest
	}
	return path + "." + rest
}

// within reports whether a field is another one, or in it.
func within(field, other string) bool {
	rest, ok := strings.CutPrefix(field, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// knows reports whether a request has a field of this path.
func (d *document) knows(s *schema, path string) bool {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	switch {
	case path == "":
		return true
	case path[0] == '[':
		_, rest, _ := strings.Cut(path, "]")
		return s.Items != nil && d.knows(s.Items, strings.TrimPrefix(rest, "."))
	}
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	p := s.Properties[path[:end]]
	return p != nil && d.knows(p, strings.TrimPrefix(path[end:], ".")) || s.Properties == nil && s.Type == "object"
}

// bodies returns, for every operation that takes a body, the path and bodies that have all of its fields between them.
func (s *running) bodies(t *testing.T, i *issuer) map[string]func(n int) (path string, bodies []map[string]any) {
	t.Helper()
	base, none := apiRoot+"/dev", strings.Repeat("a", 26)
	trust, other, grants := s.trust(t, i, nil), s.trust(t, i, nil), []any{map[string]any{
		"resource_type": "audience", "resource_id": "https://api.example.com", "actions": []any{"issue"},
	}}
	revocable := s.call(t, "POST", base+"/revocable-tokens", s.bearer(t), map[string]any{"name": "backup", "grants": grants}).body["id"]
	server := httptest.NewTLSServer(nil)
	server.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	change := func(name string, source map[string]any) map[string]any {
		return map[string]any{
			"issuer": "https://" + name + ".example.com", "subject_match": "ci:acme/api", "audience": "https://api.example.com",
			"condition": `claims.a == "b"`, "mappings": map[string]any{"groups": "claims.groups"}, "grants": grants,
			"default_token_duration": "5m", "max_token_duration": "10m", "max_external_lifetime": 3600, "single_use": true, "enabled": true,
			"allow_shared_audience": true, "accept_delegation": true, "description": "x", "managed_by": "federation/" + name, "key_source": source,
		}
	}
	changes := func(n int) []map[string]any {
		return []map[string]any{
			change(fmt.Sprint("a", n), map[string]any{"kind": "jwks_url", "url": "https://keys.example.com/jwks", "ca": authority}),
			change(fmt.Sprint("b", n), map[string]any{"kind": "jwks", "jwks": `{"keys":[` + string(i.jwk(t, "k1")) + `]}`, "not_after": "2200-01-31T00:00:00Z"}),
		}
	}
	return map[string]func(n int) (string, []map[string]any){
		"create-workspace": func(n int) (string, []map[string]any) {
			return apiRoot, []map[string]any{{"name": fmt.Sprintf("w%d", n), "owner": map[string]any{"issuer": i.URL, "subject": "me"}}}
		},
		"add-trust-relationship": func(n int) (string, []map[string]any) { return base + "/trust-relationships", changes(n) },
		"update-trust-relationship": func(n int) (string, []map[string]any) {
			return base + "/trust-relationships/" + trust, changes(0)
		},
		"test-trust-relationships": func(int) (string, []map[string]any) {
			rest := map[string]any{"token_type": "id_token", "audience": "https://api.example.com", "scope": []any{"audience:issue"}, "grants": grants, "trust": trust}
			return base + "/trust-relationships/test", []map[string]any{
				with(rest, "token", "x"), with(rest, "claims", map[string]any{"iss": i.URL, "sub": "ci:acme/api", "aud": s.url + "/w/dev"}),
			}
		},
		"replay-exchanges": func(int) (string, []map[string]any) {
			return base + "/trust-relationships/replay", []map[string]any{{
				"since": "2026-01-31T00:00:00Z", "until": "2199-01-31T00:00:00Z", "remove": []any{other},
				"add": []any{changes(0)[0]}, "update": []any{map[string]any{"id": trust, "change": changes(1)[0]}},
			}}
		},
		"create-revocable-token": func(int) (string, []map[string]any) {
			return base + "/revocable-tokens", []map[string]any{{"name": "x", "grants": grants, "expires_in": "1h"}}
		},
		"refresh-revocable-token": func(int) (string, []map[string]any) {
			return fmt.Sprint(base, "/revocable-tokens/", revocable, "/refresh"), []map[string]any{{"expires_in": "1h"}}
		},
		"rotate-keys": func(int) (string, []map[string]any) {
			return base + "/keys/rotate", []map[string]any{{"algorithm": "EdDSA", "compromised": true, "key_id": none}}
		},
		"cut-off": func(int) (string, []map[string]any) {
			return base + "/cut-offs", []map[string]any{
				{"trust": none, "reason": "x"}, {"token": none}, {"key": none}, {"issuer": "https://other.example.com", "subject": "x"},
			}
		},
	}
}

// Whatever is wrong in a request, the problem names it by its path, and says so by one code: in every body that a call takes,
// for every field that the document knows.
func TestWhatIsWrongIsNamed(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	d, bodies, operator := theDocument(), s.bodies(t, i), s.into(t, s.bearer(t), "dev", "system")
	n := 0
	for _, op := range d.operations() {
		if op.Request == nil {
			continue
		}
		fresh, ok := bodies[op.ID]
		if !ok {
			t.Errorf("%s takes a body, and nobody got anything wrong in it", op.ID)
			continue
		}
		token, schema := s.bearer(t), op.Request.Content["application/json"].Schema
		if op.ID == "create-workspace" {
			token = operator
		}
		t.Run(op.ID, func(t *testing.T) {
			d.covers(t, schema, fresh)
			for b := range second(fresh(0)) {
				for m, w := range d.misuses(schema, second(fresh(0))[b]) {
					if n++; op.method == http.MethodPatch && !w.must {
						continue // as of a creation; and a change takes a second
					}
					path, all := fresh(n)
					s.isNamed(t, op, path, token, d.misuses(schema, all[b])[m])
				}
			}
		})
	}
}

func second[A, B any](_ A, b B) B { return b }

// isNamed sends a body with something wrong in it.
func (s *running) isNamed(t *testing.T, op *operation, path, token string, w wrong) {
	t.Helper()
	r := s.call(t, op.method, path, token, w.body)
	field, _ := r.body["field"].(string)
	switch {
	case w.bound && op.ID == "test-trust-relationships": // an answer that an exchange would give
	case within(field, w.field) && r.body["code"] == "not_found": // an ID that is none
	case w.must && (r.status != http.StatusUnprocessableEntity || r.body["code"] != "invalid_field" || !within(field, w.field)):
		t.Errorf("%s, %s: %.300v", w.field, w.what, r)
	case r.status == http.StatusUnprocessableEntity && (field == "" || w.what != "unknown" && !theDocument().knows(op.Request.Content["application/json"].Schema, field)):
		t.Errorf("%s, %s: the request has no field %q: %.300v", w.field, w.what, field, r)
	case r.status == http.StatusBadRequest:
		t.Errorf("%s, %s: %.300v", w.field, w.what, r)
	}
}

// covers demands that each field of a request is in one of the bodies.
func (d *document) covers(t *testing.T, s *schema, bodies func(int) (string, []map[string]any)) {
	t.Helper()
	_, all := bodies(0)
	for name := range d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")].Properties {
		if !slices.ContainsFunc(all, func(b map[string]any) bool { _, ok := b[name]; return ok }) {
			t.Errorf("nobody got %s wrong", name)
		}
	}
}

// The same of parameters.
func TestWrongParametersAreNamed(t *testing.T) {
	s := start(t, devConfig(t))
	for _, op := range theDocument().operations() {
		path := strings.NewReplacer("{workspace}", "dev", "{id}", strings.Repeat("a", 26)).Replace(op.path)
		var body any
		if op.Request != nil {
			body = example(op)
		}
		queries := map[string]url.Values{"limt": {"limt": {"1"}}}
		for _, p := range op.Parameters {
			if p.In != "query" {
				continue
			}
			bad := map[any]string{"integer": "many", "string": strings.Repeat("x", 300), "array": "x", "boolean": "x"}[p.Schema.Type]
			queries[p.Name] = url.Values{p.Name: {bad}}
		}
		for name, query := range queries {
			r := s.call(t, op.method, path+"?"+query.Encode(), s.bearer(t), body)
			if r.status != http.StatusUnprocessableEntity || r.body["code"] != "invalid_field" || r.body["field"] != name {
				t.Errorf("%s, %s: %v", op.ID, name, r)
			}
		}
	}
}
