package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// misplaced makes calls that have a secret where something else belongs, and returns what was answered to each.
func (s *running) misplaced(t *testing.T, i *issuer, secret string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	api := func(method, path string, body any) {
		_, answer := s.api(t, method, path, s.bearer(t), body)
		answers[method+" "+strings.ReplaceAll(path, secret, "S")+" "+strings.ReplaceAll(mustJSON(t, body), secret, "S")] = mustJSON(t, answer)
	}
	for _, path := range []string{
		"/" + secret, "/" + secret + "/keys", "/dev/events?kind=" + secret, "/dev/events?trust=" + secret, "/dev/events?since=" + secret,
		"/dev/events?limit=" + secret, "/dev/keys?" + secret + "=1", "/dev/lineage?token_id=" + secret, "/dev/trust-relationships?after=" + secret,
		"/dev/trust-relationships/" + secret, "/dev/refusals/" + secret + "/explanation", "/dev/" + secret,
	} {
		api("GET", path, nil)
	}
	for _, path := range []string{"/dev/trust-relationships/", "/dev/revocable-tokens/", "/dev/cut-offs/"} {
		api("DELETE", path+secret, nil)
	}
	api("PATCH", "/dev/trust-relationships/"+secret, map[string]any{"description": "x"})
	api("POST", "/dev/revocable-tokens/"+secret+"/refresh", map[string]any{})
	for _, name := range []string{"trust", "token", "key", "issuer", "subject"} {
		api("POST", "/dev/cut-offs", map[string]any{name: secret[:60]}) // longer ones are refused for their length
		api("POST", "/dev/cut-offs", map[string]any{name: secret})
	}
	api("POST", "/dev/cut-offs", map[string]any{secret: "x"})
	api("POST", "/dev/cut-offs", secret)
	api("POST", "/dev/keys/rotate", map[string]any{"key_id": secret[:60], "compromised": true})
	for name, value := range map[string]any{
		"subject_match": secret + "*", "audience": secret + "**", "condition": "claims." + secret + " == ", "managed_by": secret,
		"issuer": secret, "max_token_duration": secret, "mappings": map[string]any{secret: "x"}, "grants": []any{grant(secret, secret, secret)},
	} {
		body := map[string]any{"issuer": i.URL, "subject_match": "ci:x", name: value}
		if name == "subject_match" {
			body["key_source"] = map[string]any{"kind": secret}
		}
		api("POST", "/dev/trust-relationships", body)
	}
	for _, pair := range [][2]string{
		{"scope", secret}, {"audience", secret}, {"resource", secret}, {"authorization_details", secret}, {"trust", secret}, {"may_act", secret},
		{"grant_type", secret}, {"subject_token_type", secret}, {"requested_token_type", secret}, {"actor_token_type", secret}, {"expires_in", secret},
	} {
		form := exchangeForm(s.bearer(t))
		form.Set(pair[0], pair[1])
		_, answer := s.token(t, "/w/dev/token", form)
		answers["token "+pair[0]] = mustJSON(t, answer)
	}
	for _, path := range []string{"/w/" + secret + "/token", "/w/dev/" + secret, "/w/dev/jwks/" + secret} {
		_, answer := s.token(t, path, exchangeForm(s.bearer(t)))
		answers["POST "+path[:5]] = mustJSON(t, answer)
	}
	return answers
}

// The row "secrets in logs" of security.md: a secret that is given where an ID belongs is neither logged nor sent back by
// what refuses it.
func TestSecurityASecretInTheWrongPlaceIsNotQuoted(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	status, made := s.api(t, "POST", "/dev/revocable-tokens", s.bearer(t), map[string]any{
		"name": "x", "grants": []any{grant("workspace", "record", "read")},
	})
	if status != http.StatusCreated {
		t.Fatal(status, made)
	}
	_, exchanged := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	for name, secret := range map[string]string{"revocable": made["token"].(string), "JWT": exchanged["access_token"].(string)} {
		for call, answer := range s.misplaced(t, i, secret) {
			if said := strings.ReplaceAll(answer, `\u0026`, "&"); strings.Contains(said, secret[5:25]) || strings.Contains(said, url.QueryEscape(secret)[5:25]) {
				t.Errorf("%s, %s: the answer has it: %s", name, call, answer)
			}
		}
		if strings.Contains(s.logs.String(), secret[5:25]) {
			t.Errorf("%s: it is in the log\n%s", name, s.logs)
		}
	}
	if !strings.Contains(s.logs.String(), "[redacted]") {
		t.Errorf("nothing was logged that would have shown it\n%s", s.logs)
	}
}
