package server

import (
	"net/http"
	"testing"
)

// Rule 22: a token that is cut off is not brought back by a refresh, whose new end would be later than the cut-off's.
func TestRule22ATokenThatIsCutOffIsNotRefreshed(t *testing.T) {
	s := start(t, devConfig(t))
	made := s.call(t, "POST", apiRoot+"/dev/revocable-tokens", s.bearer(t), map[string]any{
		"name": "cut", "expires_in": "1h", "grants": []any{grant("workspace", "record", "read")},
	})
	id, _ := made.body["id"].(string)
	refresh := func() reply {
		return s.call(t, "POST", apiRoot+"/dev/revocable-tokens/"+id+"/refresh", s.bearer(t), map[string]any{"expires_in": "200d"})
	}
	if r := refresh(); r.status != http.StatusOK {
		t.Fatalf("before: %v", r)
	}
	cut := s.call(t, "POST", apiRoot+"/dev/cut-offs", s.bearer(t), map[string]any{"token": id})
	if r := refresh(); r.status != http.StatusConflict || r.body["code"] != "conflict" {
		t.Errorf("cut off: %v", r)
	}
	if r := s.call(t, "DELETE", apiRoot+"/dev/cut-offs/"+cut.body["id"].(string), s.bearer(t), nil); r.status/100 != 2 {
		t.Fatalf("lifted: %v", r)
	}
	if r := refresh(); r.status != http.StatusOK {
		t.Errorf("lifted: %v", r)
	}
}
