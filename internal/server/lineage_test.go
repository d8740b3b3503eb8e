package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// follow returns a lineage as lines: depth, relation, kind, and what the token is for.
func (s *running) follow(t *testing.T, bearer, tokenID string) (origin string, lines []string, body map[string]any) {
	t.Helper()
	r := s.call(t, "GET", apiRoot+"/dev/lineage?token_id="+tokenID, bearer, nil)
	if r.status != http.StatusOK {
		t.Fatal(r)
	}
	for _, item := range r.body["items"].([]any) {
		link := item.(map[string]any)
		event := link["event"].(map[string]any)
		audience := ""
		if token, ok := event["token"].(map[string]any); ok {
			audience = " " + token["audience"].(string)
		}
		lines = append(lines, fmt.Sprint(link["depth"], " ", link["relation"], " ", event["kind"], strings.ReplaceAll(audience, s.url, "")))
	}
	if o, ok := r.body["origin"].(map[string]any); ok {
		origin = fmt.Sprint(o["subject"], " ", o["token_id"])
	}
	return origin, lines, r.body
}

// From an external token through its exchange and what was derived to what was done, whichever of them is asked for.
func TestRule11LineageFollowsATokenUpAndDown(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"grants": []any{
		grant("audience", "https://api.example.com", "issue"), grant("workspace", "record", "read"), grant("workspace", "trust", "read", "write"),
	}})
	_, first := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"jti": "job-7"}))))
	parent := fmt.Sprint(first["access_token"])
	_, second := s.token(t, "/w/dev/token", exchangeForm(parent))
	child := fmt.Sprint(second["access_token"])
	_, third := s.token(t, "/w/dev/token", exchangeForm(child, "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	if r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", child, map[string]any{
		"issuer": i.URL, "subject_match": "ci:acme/other", "grants": []any{grant("audience", "https://api.example.com", "issue")},
	}); r.status != http.StatusCreated {
		t.Fatal(r)
	}
	s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"jti": "job-8"})))) // another job's

	s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, map[string]any{"jti": claimsOf(t, parent)["jti"]})))) // it only has the ID

	whole := []string{
		"0 issued token.issued /w/dev", "1 issued token.issued /w/dev",
		"2 done trust.created", "2 issued token.issued https://api.example.com",
	}
	for _, unpacked := range []bool{false, true} {
		if unpacked {
			s.signedLog(t)
		}
		for name, x := range map[string]struct {
			tokenID any
			want    []string
		}{
			"the external token": {"job-7", whole},
			"the exchanged one":  {claimsOf(t, parent)["jti"], whole},
			"the derived one":    {claimsOf(t, child)["jti"], whole},
			"the last one":       {claimsOf(t, third["access_token"])["jti"], []string{whole[0], whole[1], whole[3]}},
		} {
			origin, lines, _ := s.follow(t, s.bearer(t), fmt.Sprint(x.tokenID))
			if origin != "ci:acme/api job-7" || strings.Join(lines, "\n") != strings.Join(x.want, "\n") {
				t.Errorf("%s, unpacked %v: %s\n%s", name, unpacked, origin, strings.Join(lines, "\n"))
			}
		}
	}
	for name, tokenID := range map[string]string{"unknown": "nobody", "an event that issued nothing": eventOf(t, s, "trust.created")} {
		if _, lines, _ := s.follow(t, s.bearer(t), tokenID); len(lines) != 0 {
			t.Errorf("%s: %q", name, lines)
		}
	}
}

func eventOf(t *testing.T, s *running, kind string) string {
	t.Helper()
	r := s.call(t, "GET", apiRoot+"/dev/events?limit=1&kind="+kind, s.bearer(t), nil)
	return r.body["items"].([]any)[0].(map[string]any)["id"].(string)
}

// SecurityCrossTenant: a lineage is of one workspace, and of the record.
func TestSecurityLineageStaysInItsWorkspace(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	stranger := s.limited(t, i, "ci:stranger", grant("audience", "https://api.example.com", "issue"))
	jti := fmt.Sprint(claimsOf(t, s.bearer(t))["jti"])
	if r := s.call(t, "GET", apiRoot+"/dev/lineage?token_id="+jti, stranger, nil); r.status != http.StatusForbidden {
		t.Errorf("%v", r)
	}
	other := s.otherWorkspace(t, "other")
	if r := s.call(t, "GET", apiRoot+"/other/lineage?token_id="+jti, other, nil); r.status != http.StatusOK || len(r.body["items"].([]any)) != 0 {
		t.Errorf("%v", r)
	}
	if r := s.call(t, "GET", apiRoot+"/dev/lineage?token_id="+strings.Repeat("x", 257), s.bearer(t), nil); r.status != http.StatusUnprocessableEntity {
		t.Errorf("%v", r)
	}
}

func TestALineageIsBounded(t *testing.T) {
	s := start(t, devConfig(t))
	bearer := s.bearer(t)
	for range 101 {
		s.token(t, "/w/dev/token", exchangeForm(bearer))
	}
	_, lines, body := s.follow(t, bearer, fmt.Sprint(claimsOf(t, bearer)["jti"]))
	if len(lines) != 101 || body["truncated"] != true { // its own, and a hundred that were derived
		t.Errorf("%d events, truncated %v", len(lines), body["truncated"])
	}
}
