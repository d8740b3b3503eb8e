package interop

import (
	"reflect"
	"testing"
)

// A job may read trusts and issue for one audience; what a token endpoint gives it is as the standards have it, in the
// eyes of openid-client.
var jobGrants = []grant{{"workspace", "trust", []string{"read"}}, issueFor(orders)}

// jobDetails are the same in the words of RFC 9396.
var jobDetails = []detail{{"workspace", "trust", []string{"read"}}, {"audience", orders, []string{"issue"}}}

const job = "job:acme/deploy"

// newJob makes a workspace that trusts the platform's job, and returns the job's token for it.
func newJob(t *testing.T, l *lab, s *server) (w workspace, token string) {
	t.Helper()
	w = s.newWorkspace(t)
	w.trust(t, l.platform.issuer(), job, jobGrants...)
	return w, l.platform.token(t, job, w.Issuer, nil)
}

// RFC 8693 in: another issuer's token becomes an access token.
func TestExchangeIn(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			w, token := newJob(t, l, s)
			for asked, c := range map[string]struct {
				parameters [][2]string
				issued     string
			}{
				"for nothing in particular": {nil, accessTokenType},
				"for an access token":       {[][2]string{{"requested_token_type", accessTokenType}}, accessTokenType},
				"for a JWT":                 {[][2]string{{"requested_token_type", jwtType}}, jwtType},
			} {
				t.Run(asked, func(t *testing.T) {
					for _, subjectTokenType := range []string{jwtType, idTokenType} {
						a := client.grant(t, w, tokenExchange, "none", append(c.parameters,
							[2]string{"subject_token", token}, [2]string{"subject_token_type", subjectTokenType}))
						wantAccessToken(t, w, a)
						if a.Issued != c.issued {
							t.Errorf("issued_token_type %q", a.Issued)
						}
					}
				})
			}
		})
	}
}

// RFC 7523 is the same thing by another name. Its audience may also be the token endpoint (§3).
func TestAssertionGrant(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			w, token := newJob(t, l, s)
			for audience, assertion := range map[string]string{
				"issuer": token, "token endpoint": l.platform.token(t, job, w.Issuer+"/token", nil),
			} {
				t.Run(audience, func(t *testing.T) {
					wantAccessToken(t, w, client.grant(t, w, jwtBearer, "none", [][2]string{{"assertion", assertion}}))
				})
			}
		})
	}
}

// wantAccessToken demands an access token for the issuer, with the job's grants in the answer, and that it works.
func wantAccessToken(t *testing.T, w workspace, a answer) {
	t.Helper()
	c := read(t, a.mustIssue(t))
	if a.Type != "bearer" || a.ExpiresIn <= 0 || !sameDetails(a.Details, jobDetails) {
		t.Errorf("token_type %q, expires_in %d, authorization_details %v", a.Type, a.ExpiresIn, a.Details)
	}
	if c.Type != "at+jwt" || c.Issuer != w.Issuer || c.Audience != w.Issuer {
		t.Errorf("typ %q, iss %q, aud %q", c.Type, c.Issuer, c.Audience)
	}
}

// sameDetails compares without regard to order.
func sameDetails(a, b []detail) bool {
	index := func(list []detail) map[string][]string {
		m := map[string][]string{}
		for _, d := range list {
			m[d.Type+" "+d.Identifier] = d.Actions
		}
		return m
	}
	return len(a) == len(b) && reflect.DeepEqual(index(a), index(b))
}

// RFC 8693 out: the workspace's token becomes an ID token for somebody else, and says that it is no access token.
func TestExchangeOut(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	for transport, s := range l.servers() {
		t.Run(transport, func(t *testing.T) {
			w, token := newJob(t, l, s)
			access := client.exchange(t, w, token, want{kind: accessToken}).mustIssue(t)
			for _, target := range []string{"audience", "resource"} {
				t.Run(target, func(t *testing.T) {
					a := client.grant(t, w, tokenExchange, "none", [][2]string{
						{"subject_token", access}, {"subject_token_type", accessTokenType},
						{"requested_token_type", idTokenType}, {target, orders},
					})
					c := read(t, a.mustIssue(t))
					if a.Issued != idTokenType || a.Type != "n_a" || a.ExpiresIn <= 0 || a.ExpiresIn > 300 || a.Details != nil {
						t.Errorf("issued_token_type %q, token_type %q, expires_in %d, authorization_details %v",
							a.Issued, a.Type, a.ExpiresIn, a.Details)
					}
					if c.Type != "JWT" || c.Audience != orders || c.Subject != read(t, access).Subject {
						t.Errorf("typ %q, aud %q, sub %q", c.Type, c.Audience, c.Subject)
					}
				})
			}
		})
	}
}

// What openid-client does not show: the spelling of RFC 8693 §2.2.1, and that no answer is cached (RFC 6749 §5.1).
func TestExchangeAnswersAsWritten(t *testing.T) {
	l := openLab(t)
	w, token := newJob(t, l, l.plain)
	for name, c := range map[string]struct {
		token     string
		want      want
		tokenType string
	}{
		"ID token":     {token, want{kind: idToken, audience: orders}, "N_A"},
		"access token": {token, want{kind: accessToken}, "Bearer"},
		"error":        {"nonsense", want{kind: accessToken}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.exchange(t, c.token, c.want)
			cache, media := a.header.Get("Cache-Control"), a.header.Get("Content-Type")
			if a.Type != c.tokenType || cache != "no-store" || media != "application/json" {
				t.Errorf("token_type %q, Cache-Control %q, Content-Type %q", a.Type, cache, media)
			}
		})
	}
}
