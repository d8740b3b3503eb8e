package server

import (
	"fmt"
	"net/http"
	"testing"
)

// An Idempotency-Key that is empty is a mistake, and not taken for none.
func TestAnEmptyIdempotencyKey(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	if r := s.post(t, "POST", "/w/dev/token", exchangeForm(s.bearer(t)), "Idempotency-Key", ""); r.status != http.StatusBadRequest || r.body["error"] != "invalid_request" {
		t.Errorf("at the token endpoint: %v", r)
	}
	for name, creation := range s.creations(t, i) {
		path, token, body := creation(1)
		before := s.state(t)
		r := s.call(t, "POST", path, token, body, "Idempotency-Key", "")
		if r.status != http.StatusUnprocessableEntity || r.body["field"] != "Idempotency-Key" || s.state(t) != before {
			t.Errorf("%s: %v", name, r)
		}
	}
}

// A refresh asks for nothing in particular, and so needs no body.
func TestRefreshWithoutABody(t *testing.T) {
	s := start(t, devConfig(t))
	base := apiRoot + "/dev/revocable-tokens"
	made := s.call(t, "POST", base, s.bearer(t), map[string]any{"name": "backup", "grants": []any{}})
	path := fmt.Sprint(base, "/", made.body["id"], "/refresh")
	for name, body := range map[string]any{"none": nil, "empty": "", "{}": "{}"} {
		if r := s.call(t, "POST", path, s.bearer(t), body); r.status != http.StatusOK || r.body["token"] == made.body["token"] {
			t.Errorf("%s: %v", name, r)
		}
	}
	if r := s.call(t, "POST", path, s.bearer(t), "{"); r.status != http.StatusBadRequest {
		t.Error(r)
	}
	if r := s.call(t, "POST", base, s.bearer(t), ""); r.status != http.StatusBadRequest {
		t.Errorf("one that needs a body: %v", r)
	}
}
