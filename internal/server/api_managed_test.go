package server

import (
	"net/http"
	"testing"
)

// A trust says which manifest declares it. One trust of the workspace has that name, and naming it ends no token.
func TestATrustIsDeclaredByOneManifest(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	root := apiRoot + "/dev/trust-relationships"
	first, second := s.trust(t, i, nil), s.trust(t, i, nil)
	name := func(id, managed string) reply {
		return s.call(t, "PATCH", root+"/"+id, s.bearer(t), map[string]any{"managed_by": managed})
	}
	if r := name(first, "federation/api"); r.status != http.StatusOK || r.body["managed_by"] != "federation/api" || r.body["version"] != 1.0 || r.body["revision"] != 2.0 {
		t.Errorf("named: %v", r)
	}
	taken := []reply{
		name(second, "federation/api"),
		s.call(t, "POST", root, s.bearer(t), map[string]any{"issuer": i.URL, "subject_match": "ci:acme/x", "managed_by": "federation/api"}),
	}
	for _, r := range taken {
		if r.status != http.StatusConflict || r.body["field"] != "managed_by" {
			t.Errorf("named twice: %v", r)
		}
	}
	for _, wrong := range []string{"api", "a/b/c", "Federation/api", "federation/", "/api", "federation/a pi", "-a/b", "federation/api\n"} {
		if r := name(second, wrong); r.status != http.StatusUnprocessableEntity || r.body["field"] != "managed_by" {
			t.Errorf("%q: %v", wrong, r)
		}
	}
	if r := name(first, ""); r.status != http.StatusOK || r.body["managed_by"] != nil {
		t.Errorf("let go: %v", r)
	}
	if r := name(second, "federation/api"); r.status != http.StatusOK {
		t.Errorf("free again: %v", r)
	}
}
