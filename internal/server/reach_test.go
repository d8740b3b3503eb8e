package server

import (
	"net/http"
	"testing"
)

// Rule 35: a server refuses an address that it may not call as it is written, and names where; nsc dev takes loopback.
func TestRule35AnAddressThatMayNotBeCalledIsNamed(t *testing.T) {
	c := serverConfig(t)
	c.Issuers = []Reach{{Workspace: "prod", CIDR: "10.1.0.0/16", Port: 8443}}
	s := start(t, c)
	admin, err := Bootstrap(t.Context(), c, BootstrapRequest{Workspace: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	add := func(s *running, workspace, token, issuer, keys string) reply {
		body := map[string]any{"issuer": issuer, "subject_match": "ci:acme/api"}
		if keys != "" {
			body["key_source"] = map[string]any{"kind": "jwks_url", "url": keys}
		}
		return s.call(t, "POST", apiRoot+"/"+workspace+"/trust-relationships", token, body)
	}
	for _, row := range []struct{ issuer, keys, field string }{
		{"https://10.1.2.3:8443", "", ""},
		{"https://10.1.2.3", "", "issuer"},
		{"https://[::ffff:127.0.0.1]", "", "issuer"},
		{"https://localhost.", "", "issuer"},
		{"https://2130706433", "", "issuer"},
		{"https://issuer.example.com", "https://169.254.169.254/keys", "key_source.url"},
		{"https://issuer.example.com", "https://0x7f.1/keys", "key_source.url"},
		{"https://10.1.2.4", "https://keys.example.com/jwks", ""}, // nobody calls the issuer
	} {
		r := add(s, "prod", admin.BearerToken, row.issuer, row.keys)
		if field, _ := r.body["field"].(string); field != row.field || (field == "") != (r.status == http.StatusCreated) {
			t.Errorf("%s %s: %v", row.issuer, row.keys, r)
		}
	}
	dev := start(t, devConfig(t))
	for issuer, status := range map[string]int{"http://127.0.0.1:9": 201, "https://localhost": 201, "https://10.1.2.3:8443": 422} {
		if r := add(dev, "dev", dev.bearer(t), issuer, ""); r.status != status {
			t.Errorf("nsc dev, %s: %v", issuer, r)
		}
	}
}
