package server

import (
	"net/http"
	"slices"
	"testing"
)

// The record of a trust is what it admitted and what became of it, once each.
func TestTheEventsOfATrustAreFoundByIt(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	own := s.trust(t, i, map[string]any{"grants": []any{grant("workspace", "*", "admin")}})
	other := s.trust(t, i, map[string]any{"subject_match": "ci:acme/other"})
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil))))
	bearer := answer["access_token"].(string)
	path := apiRoot + "/dev/trust-relationships/"
	for _, row := range []struct {
		method, path string
		body         any
	}{
		{"PATCH", path + other, map[string]any{"description": "x"}},
		{"POST", apiRoot + "/dev/cut-offs", map[string]any{"trust": other}},
		{"DELETE", path + other, nil},
		{"PATCH", path + own, map[string]any{"description": "by whom it admits"}},
	} {
		if r := s.call(t, row.method, row.path, bearer, row.body); r.status >= http.StatusMultipleChoices {
			t.Fatal(r)
		}
	}
	for trust, want := range map[string][]string{
		other: {"cut_off.created", "trust.created", "trust.removed", "trust.updated"},
		own:   {"cut_off.created", "token.issued", "trust.created", "trust.removed", "trust.updated", "trust.updated"},
	} {
		var kinds []string
		for _, item := range s.call(t, "GET", apiRoot+"/dev/events?trust="+trust, s.bearer(t), nil).body["items"].([]any) {
			kinds = append(kinds, item.(map[string]any)["kind"].(string))
		}
		if slices.Sort(kinds); !slices.Equal(kinds, want) {
			t.Errorf("%v, want %v", kinds, want)
		}
	}
}
