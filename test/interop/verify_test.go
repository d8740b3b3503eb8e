package interop

import (
	"strings"
	"testing"
	"time"
)

// Services that somebody else wrote.
const (
	orders   = "https://orders.example.com"
	payments = "https://payments.example.com"
)

// Every relying party accepts the token that is meant for it, whatever signed it.
func TestTokensAreAccepted(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		for _, p := range parties {
			t.Run(transport+"/"+p.name, func(t *testing.T) {
				rp := p.open(t, l)
				for _, algorithm := range []string{"ES256", "RS256", "EdDSA"} {
					token := s.dev.issue(t, p.kind, orders, "id_token_signed_response_alg", algorithm)
					wantAccepted(t, rp, verification{issuer: s.dev.Issuer, audience: orders, token: token}, s.dev.subject(t))
				}
			})
		}
	}
}

// What the command line prints is a token and a line's end, and as good as any.
func TestCommandLineTokenIsAccepted(t *testing.T) {
	l := openLab(t)
	for transport, s := range l.servers() {
		for _, p := range parties {
			if p.kind != idToken {
				continue
			}
			t.Run(transport+"/"+p.name, func(t *testing.T) {
				rp := p.open(t, l)
				printed := s.admin.run(t, "auth", "issue-id-token", "--audience", orders)
				token, rest, _ := strings.Cut(printed, "\n")
				if rest != "" {
					t.Errorf("more than one line was printed")
				}
				wantAccepted(t, rp, verification{issuer: s.dev.Issuer, audience: orders, token: token}, s.dev.subject(t))
			})
		}
	}
}

// Every relying party refuses tokens that differ in one property from one that it accepts, and because of that property.
func TestTokensAreRefused(t *testing.T) {
	l := openLab(t)
	const late = 10 * time.Second
	for rule, c := range map[string]struct {
		token   func(t *testing.T, s *server, p party) string
		later   time.Duration
		because []string // libraries look in different orders
		by      []party  // nil is all
	}{
		"for another audience": {token: func(t *testing.T, s *server, p party) string {
			return s.dev.issue(t, p.kind, payments)
		}, because: []string{"aud"}},
		"for an audience that only begins alike": {token: func(t *testing.T, s *server, p party) string {
			return s.dev.issue(t, p.kind, orders+".evil.example.com")
		}, because: []string{"aud"}},
		"of another workspace of the server": {token: func(t *testing.T, s *server, p party) string {
			return s.other.issue(t, p.kind, orders)
		}, because: []string{"iss", "kid", "signature"}},
		"of another workspace that claims to be this one": {token: func(t *testing.T, s *server, p party) string {
			return tampered(t, s.other.issue(t, p.kind, orders), "iss", s.dev.Issuer)
		}, because: []string{"kid", "signature"}},
		"whose subject was changed": {token: func(t *testing.T, s *server, p party) string {
			return tampered(t, s.dev.issue(t, p.kind, orders), "sub", "workspace/somebody/else")
		}, because: []string{"signature"}},
		"whose audience was changed": {token: func(t *testing.T, s *server, p party) string {
			return tampered(t, s.dev.issue(t, p.kind, payments), "aud", orders)
		}, because: []string{"signature"}},
		"whose end was put off": {token: func(t *testing.T, s *server, p party) string {
			short := s.dev.issue(t, p.kind, orders, "expires_in", "1")
			return tampered(t, short, "exp", time.Now().Add(time.Hour).Unix())
		}, later: late, because: []string{"signature"}},
		"that has ended": {token: func(t *testing.T, s *server, p party) string {
			return s.dev.issue(t, p.kind, orders, "expires_in", "1")
		}, later: late, because: []string{"exp"}},
		"of another kind": {token: func(t *testing.T, s *server, p party) string {
			return s.dev.issue(t, p.other(), orders)
		}, because: []string{"typ"}, by: typed},
	} {
		if c.by == nil {
			c.by = parties
		}
		for transport, s := range l.servers() {
			for _, p := range c.by {
				t.Run(rule+"/"+transport+"/"+p.name, func(t *testing.T) {
					rp := p.open(t, l)
					v := verification{issuer: s.dev.Issuer, audience: orders, token: c.token(t, s, p), later: c.later}
					wantRefused(t, rp, v, c.because...)
				})
			}
		}
	}
}

// A token for one second is good for no more than one second, and its answer promises no more.
func TestTokenLastsAsLongAsAskedFor(t *testing.T) {
	l := openLab(t)
	a := l.plain.dev.exchange(t, l.plain.bearer, want{kind: idToken, audience: orders, more: []string{"expires_in", "1"}})
	c := read(t, a.mustIssue(t))
	if a.ExpiresIn > 1 || c.ExpiresAt-c.IssuedAt != 1 {
		t.Errorf("expires_in %d, exp %d seconds after iat", a.ExpiresIn, c.ExpiresAt-c.IssuedAt)
	}
}
