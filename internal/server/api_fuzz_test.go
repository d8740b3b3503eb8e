package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// nasty is text that has been trouble somewhere.
var nasty = []string{
	"", " ", "*", "**", "a", "..", "/", "%", "%00", "'", `"`, "\\", "\x00", "\u202e", "ünï", "\U0001f511", "null", "-1", "1e400", "0x10",
	"https://issuer.example.com", "http://127.0.0.1", "https://[::1]:0/", "repo:acme/api:*", "claims.a == 'b'", "claims.", "1d", "9999999w", "-5m",
	"system:masters", strings.Repeat("a", 26), strings.Repeat("a", 64), strings.Repeat("é", 700), strings.Repeat("x", 3000), strings.Repeat("a:", 600),
	"2026-03-04T05:06:07Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "ES256", "discovery", "jwks", `{"keys":[]}`, "\ufffd", "$(id)", "<script>",
}

// anything is any JSON value.
func anything(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 7).Draw(t, "kind"); {
	case n == 0:
		return nil
	case n == 1:
		return rapid.Bool().Draw(t, "bool")
	case n == 2:
		return rapid.SampledFrom([]any{0, -1, 1, 1.5, 1e18, json.Number("1e400"), json.Number("123456789012345678901234567890")}).Draw(t, "number")
	case n == 3 && depth < 3:
		return []any{anything(t, depth+1), anything(t, depth+1)}
	case n == 4 && depth < 3:
		return map[string]any{rapid.SampledFrom(nasty).Draw(t, "name"): anything(t, depth+1)}
	case n == 5:
		return rapid.String().Draw(t, "text")
	}
	return rapid.SampledFrom(nasty).Draw(t, "nasty")
}

// fitting is a value that more or less fits a schema.
func (d *document) fitting(t *rapid.T, s *schema, depth int) any {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	if rapid.IntRange(0, 14).Draw(t, "odd") == 0 {
		return anything(t, depth)
	}
	switch {
	case len(s.Enum) > 0:
		return rapid.SampledFrom(s.Enum).Draw(t, "enum")
	case s.Type == "array":
		return []any{d.fitting(t, s.Items, depth+1)}
	case s.Type == "boolean":
		return rapid.Bool().Draw(t, "bool")
	case s.Type == "integer":
		return rapid.SampledFrom([]any{1, 60, 3600}).Draw(t, "integer")
	case s.Type != "object":
		return rapid.SampledFrom(nasty).Draw(t, "text")
	}
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if slices.Contains(s.Required, name) || rapid.IntRange(0, 3).Draw(t, name) == 0 {
			object[name] = d.fitting(t, s.Properties[name], depth+1)
		}
	}
	return object
}

// request is one that an operation might get: somebody else's idea of it.
func (d *document) request(t *rapid.T, op *operation, ids []string) (path, body string, headers []string) {
	id := rapid.SampledFrom(append(ids, nasty...)).Filter(func(s string) bool { return s != ".." }).Draw(t, "id") // clients resolve it
	path = strings.NewReplacer("{workspace}", "dev", "{id}", url.PathEscape(id)).Replace(op.path)
	query := url.Values{}
	for _, p := range op.Parameters {
		if p.In == "path" || rapid.IntRange(0, 2).Draw(t, p.Name) > 0 {
			continue
		}
		text := fmt.Sprint(d.fitting(t, p.Schema, 0))
		if p.In == "query" {
			query.Add(p.Name, text)
		} else if !strings.ContainsFunc(text, unicode.IsControl) { // a client refuses to send the others
			headers = append(headers, p.Name, text)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if op.Request == nil {
		return path, "", headers
	}
	headers = append(headers, "Content-Type", "application/json")
	value := d.fitting(t, op.Request.Content["application/json"].Schema, 0)
	if object, ok := value.(map[string]any); ok {
		delete(object, "compromised") // would end the caller's own token
		delete(object, "key")
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(text), headers
}

// Whatever is asked, the answer is one that the document promises, and never that we failed.
func TestNoRequestMakesTheAPIFail(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	ids := []string{s.trust(t, i, nil)}
	d, administrator, operator := theDocument(), s.bearer(t), s.into(t, s.bearer(t), "dev", "system")
	statuses := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 5 {
			op := rapid.SampledFrom(d.operations()).Draw(t, "operation")
			path, body, headers := d.request(t, op, ids)
			token := administrator
			if op.ID == "create-workspace" {
				token = operator
			}
			r, err := s.send(op.method, path, token, body, headers)
			if err == nil {
				err = d.judge(op.method, path, r)
			}
			if err != nil || r.status >= 500 || r.status == http.StatusUnauthorized {
				t.Fatalf("%s %s %v %s\n%v %v", op.method, path, headers, body, r, err)
			}
			statuses[r.status]++
		}
	})
	t.Log(statuses)
	if statuses[http.StatusOK] == 0 || statuses[http.StatusUnprocessableEntity] == 0 {
		t.Errorf("the requests are all alike: %v", statuses)
	}
}
