package server

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A shorter maximum takes the default down with it, as where a trust is added, unless the default is named as well.
func TestAShorterMaximumLowersTheDefault(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	path := apiRoot + "/dev/trust-relationships/" + s.trust(t, i, nil)
	for _, row := range []struct {
		rule   string
		change map[string]any
		status int
		want   string // default and maximum
	}{
		{"above the default", map[string]any{"max_token_duration": "2h"}, 200, "15m0s 2h0m0s"},
		{"below it", map[string]any{"max_token_duration": "10m"}, 200, "10m0s 10m0s"},
		{"above it again", map[string]any{"max_token_duration": "1h"}, 200, "10m0s 1h0m0s"},
		{"both", map[string]any{"max_token_duration": "5m", "default_token_duration": "6m"}, 422, ""},
		{"the default alone", map[string]any{"default_token_duration": "2h"}, 422, ""},
		{"none", map[string]any{"max_token_duration": 0}, 200, "10m0s 1h0m0s"},
	} {
		r := s.call(t, "PATCH", path, s.bearer(t), row.change)
		got, _ := r.body["default_token_duration"].(string)
		most, _ := r.body["max_token_duration"].(string)
		if r.status != row.status || strings.TrimSpace(got+" "+most) != row.want {
			t.Errorf("%s: %v", row.rule, r)
		}
	}
}

// A trust may let tokens live for a week, and says what that means. What is issued for them lives a day.
func TestTokensOfAWeek(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	grants := []any{grant("workspace", "key", "read"), grant("audience", "https://api.example.com", "issue")}
	trust := map[string]any{"issuer": i.URL, "subject_match": "ci:acme/api", "grants": grants, "max_token_duration": "1w"}
	r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), trust)
	if warnings, _ := r.body["warnings"].([]any); r.status != http.StatusCreated || len(warnings) != 1 || !strings.HasPrefix(warnings[0].(string), "max_token_duration: ") {
		t.Fatal(r)
	}
	lives := func(token any) time.Duration {
		claims := claimsOf(t, token)
		return time.Duration(claims["exp"].(int64)-claims["iat"].(int64)) * time.Second
	}
	const day = 24 * time.Hour
	_, answer := s.token(t, "/w/dev/token", exchangeForm(i.sign(t, "k1", i.claims(s, nil)), "expires_in", "999999"))
	if got := lives(answer["access_token"]); got != 7*day {
		t.Errorf("it lives %s", got)
	}
	_, derived := s.token(t, "/w/dev/token", exchangeForm(answer["access_token"].(string), "expires_in", "999999"))
	if got := lives(derived["access_token"]); got != day {
		t.Errorf("what is issued for it lives %s", got)
	}
	if r := s.call(t, "POST", apiRoot+"/dev/keys/rotate", s.bearer(t), map[string]any{}); r.status >= 300 {
		t.Fatal(r)
	}
	for _, item := range s.call(t, "GET", apiRoot+"/dev/keys", s.bearer(t), nil).body["items"].([]any) {
		key := item.(map[string]any)
		if key["retire_at"] == nil {
			continue
		}
		retire, gone := moment(t, key["retire_at"]), moment(t, key["gone_at"])
		if stays := gone.Sub(retire); stays < 7*day || stays > 7*day+time.Hour {
			t.Errorf("a key stays for %s after it signed last", stays)
		}
	}
	trust["max_token_duration"] = "169h"
	if r := s.call(t, "POST", apiRoot+"/dev/trust-relationships", s.bearer(t), trust); r.status != http.StatusUnprocessableEntity || r.body["field"] != "max_token_duration" {
		t.Error(r)
	}
}

func moment(t *testing.T, text any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return at
}
