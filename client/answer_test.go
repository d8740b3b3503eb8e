package client_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
)

// TestAnAnswerIsOneOnlyInWhole: whatever else comes with a 200 is no token, is not kept, is not written to a file, and is
// not repeated in the error. RFC 8693 §2.2.1, RFC 6750 §2.1.
func TestAnAnswerIsOneOnlyInWhole(t *testing.T) {
	good := func() map[string]any {
		return map[string]any{
			"access_token": "good.secret.token", "issued_token_type": tokenOf + "id_token", "token_type": "N_A", "expires_in": 300, "workspace": "prod",
		}
	}
	const minted = "a token of that life, by the test's clock"
	for rule, row := range map[string]struct {
		change map[string]any // nil removes a member
		says   string         // "" is a good answer
		life   time.Duration
	}{
		"what was asked for":                 {nil, "", 5 * time.Minute},
		"token_type has no case":             {map[string]any{"token_type": "n_a"}, "", 5 * time.Minute},
		"a token with padding":               {map[string]any{"access_token": "secret-._~+/=="}, "", 5 * time.Minute},
		"no end, but the token has one":      {map[string]any{"expires_in": nil, "access_token": minted}, "", time.Minute},
		"no end, and the token ended":        {map[string]any{"expires_in": nil, "access_token": minted}, "that has ended", -time.Second},
		"no end at all":                      {map[string]any{"expires_in": nil}, "does not say when it ends", 0},
		"an end at once":                     {map[string]any{"expires_in": 0}, "ends in 0 seconds", 0},
		"an end before now":                  {map[string]any{"expires_in": -300}, "ends in -300 seconds", 0},
		"an end beyond time":                 {map[string]any{"expires_in": 1 << 62}, "seconds", 0},
		"an end in words":                    {map[string]any{"expires_in": "soon"}, "no answer of a token endpoint", 0},
		"another type of token":              {map[string]any{"issued_token_type": tokenOf + "access_token"}, "another type", 0},
		"no type of token":                   {map[string]any{"issued_token_type": nil}, "another type", 0},
		"an ID token as a bearer token":      {map[string]any{"token_type": "Bearer"}, "not N_A", 0},
		"no token_type":                      {map[string]any{"token_type": nil}, "not N_A", 0},
		"no token":                           {map[string]any{"access_token": nil}, "no token", 0},
		"a token with a header behind":       {map[string]any{"access_token": "secret\r\nX-Admin: 1"}, "characters", 0},
		"a token with a line end":            {map[string]any{"access_token": "secret\n"}, "characters", 0},
		"two tokens":                         {map[string]any{"access_token": "secret secret"}, "characters", 0},
		"a token with a control character":   {map[string]any{"access_token": "secret\x1b[2J"}, "characters", 0},
		"a token in letters beyond ASCII":    {map[string]any{"access_token": "sécret"}, "characters", 0},
		"a token with padding in the middle": {map[string]any{"access_token": "secret=secret"}, "characters", 0},
		"padding alone":                      {map[string]any{"access_token": "=="}, "characters", 0},
	} {
		t.Run(rule, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			timed(t, func(t *testing.T, s *fake, c *client.Client) {
				said := good()
				for name, value := range row.change {
					if said[name] = value; value == nil {
						delete(said, name)
					}
				}
				if said["access_token"] == minted {
					said["access_token"] = mint(base+"/w/prod", audience, 1, row.life)
				}
				s.answer = func(w http.ResponseWriter, _ int) bool { return json.NewEncoder(w).Encode(said) == nil }
				token, err := c.IDToken(t.Context(), audience)
				if row.says == "" {
					if err != nil || token.Secret() != said["access_token"] || time.Until(token.ExpiresAt) != row.life {
						t.Errorf("until %v, %v", token.ExpiresAt, err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), row.says) || token.Secret() != "" {
					t.Errorf("error %v, want %q", err, row.says)
				}
				if err != nil && (strings.Contains(err.Error(), "cret") || strings.ContainsAny(err.Error(), "\r\n\x1b")) {
					t.Errorf("the error repeats the token: %q", err)
				}
				if err := c.KeepFile(t.Context(), path, audience); err == nil {
					t.Error("KeepFile took it")
				}
				if _, err := os.Stat(path); err == nil {
					t.Error("it was written to a file")
				}
				s.wantRequests(t, 2) // no attempt is repeated, and nothing was kept
			})
		})
	}
}

// TestAnExchangeTakesABearerTokenAlone: the same for access tokens.
func TestAnExchangeTakesABearerTokenAlone(t *testing.T) {
	home(t)
	external := mint("https://ci.example", base+"/w/prod", 1, time.Hour)
	for use, issued := range map[string]string{"N_A": "access_token", "bearer": "id_token", "": "access_token", "MAC": "access_token"} {
		s := newFake()
		s.answer = func(w http.ResponseWriter, _ int) bool {
			_, err := w.Write([]byte(`{"access_token":"` + mint(base+"/w/prod", base+"/w/prod", 1, time.Hour) +
				`","expires_in":300,"token_type":"` + use + `","issued_token_type":"` + tokenOf + issued + `"}`))
			return err == nil
		}
		token, err := (&client.Client{HTTPClient: s.client()}).Exchange(context.Background(), external)
		if err == nil || token.Secret() != "" {
			t.Errorf("token_type %q and %s were taken for a bearer access token", use, issued)
		}
	}
}
