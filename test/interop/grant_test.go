package interop

import (
	"net/http"
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
				"for nothing in particular": {issued: accessTokenType},
				"for an access token":       {[][2]string{{"requested_token_type", accessTokenType}}, accessTokenType},
				"for a JWT":                 {[][2]string{{"requested_token_type", jwtType}}, jwtType},
			} {
				t.Run(asked, func(t *testing.T) {
					for _, subjectTokenType := range []string{jwtType, idTokenType} {
						parameters := append(c.parameters, [2]string{"subject_token", token}, [2]string{"subject_token_type", subjectTokenType})
						a := client.grant(t, w, tokenExchange, "none", parameters)
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
						t.Errorf("issued_token_type %q, token_type %q, expires_in %d, authorization_details %v", a.Issued, a.Type, a.ExpiresIn, a.Details)
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
			if a.Type != c.tokenType || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("token_type %q, Cache-Control %q, Content-Type %q", a.Type, a.header.Get("Cache-Control"), a.header.Get("Content-Type"))
			}
		})
	}
}

// Refusals are OAuth errors that openid-client understands, with the code that the standards give to each.
func TestRefusalsAreUnderstood(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	w, token := newJob(t, l, l.plain)
	access := client.exchange(t, w, token, want{kind: accessToken}).mustIssue(t)
	terminal := client.exchange(t, w, access, want{kind: idToken, audience: orders}).mustIssue(t)
	exchange := func(subjectToken string, more ...[2]string) [][2]string {
		return append([][2]string{{"subject_token", subjectToken}, {"subject_token_type", jwtType}}, more...)
	}
	for refused, c := range map[string]struct {
		grant      string
		client     string
		parameters [][2]string
		status     int
		code       string
	}{
		"subject token that is none":          {tokenExchange, "none", exchange("nonsense"), 400, "invalid_request"}, // RFC 8693 §2.2.2
		"subject token that has ended":        {tokenExchange, "none", exchange(l.platform.token(t, job, w.Issuer, map[string]any{"iat": 1, "exp": 2})), 400, "invalid_request"},
		"subject token of an unknown subject": {tokenExchange, "none", exchange(l.platform.token(t, "job:acme/other", w.Issuer, nil)), 400, "invalid_request"},
		"subject token of an unknown issuer":  {tokenExchange, "none", exchange(l.secure.dev.issue(t, idToken, w.Issuer)), 400, "invalid_request"},
		"subject token for somebody else":     {tokenExchange, "none", exchange(l.platform.token(t, job, orders, nil)), 400, "invalid_request"},
		"terminal subject token":              {tokenExchange, "none", exchange(terminal), 400, "invalid_request"}, // rule 1
		"no subject token type":               {tokenExchange, "none", [][2]string{{"subject_token", token}}, 400, "invalid_request"},
		"actor token":                         {tokenExchange, "none", exchange(token, [2]string{"actor_token", token}, [2]string{"actor_token_type", jwtType}), 400, "invalid_request"},
		"unknown requested type":              {tokenExchange, "none", exchange(token, [2]string{"requested_token_type", "urn:ietf:params:oauth:token-type:saml2"}), 400, "invalid_request"},
		"audience without a grant":            {tokenExchange, "none", exchange(token, [2]string{"audience", "https://payments.example.com"}), 400, "invalid_target"},
		"two audiences":                       {tokenExchange, "none", exchange(token, [2]string{"audience", orders}, [2]string{"audience", w.Issuer}), 400, "invalid_target"},
		"resource that is no URI":             {tokenExchange, "none", exchange(token, [2]string{"resource", "orders"}), 400, "invalid_target"},
		"scope beyond the grants":             {tokenExchange, "none", exchange(token, [2]string{"scope", "workspace:admin"}), 400, "invalid_scope"},
		"details beyond the grants": {tokenExchange, "none", exchange(token, [2]string{"authorization_details",
			`[{"type":"workspace","identifier":"trust","actions":["write"]}]`}), 400, "invalid_authorization_details"},
		"details that are none":           {tokenExchange, "none", exchange(token, [2]string{"authorization_details", `{"type":`}), 400, "invalid_authorization_details"},
		"assertion that is none":          {jwtBearer, "none", [][2]string{{"assertion", "nonsense"}}, 400, "invalid_grant"}, // RFC 7523 §3.1
		"assertion of an unknown subject": {jwtBearer, "none", [][2]string{{"assertion", l.platform.token(t, "job:acme/other", w.Issuer, nil)}}, 400, "invalid_grant"},
		"no assertion":                    {jwtBearer, "none", nil, 400, "invalid_request"},
		"grant that is not served":        {"password", "none", [][2]string{{"username", "a"}, {"password", "b"}}, 400, "unsupported_grant_type"},
		"client with a secret in form":    {tokenExchange, "post", exchange(token), 401, "invalid_client"},
	} {
		t.Run(refused, func(t *testing.T) {
			a := client.grant(t, w, c.grant, c.client, c.parameters)
			a.wantError(t, c.status, c.code)
			if a.Description == "" {
				t.Error("no error_description")
			}
		})
	}
}

// A client that tried the Authorization header is told the scheme by WWW-Authenticate (RFC 6749 §5.2).
func TestClientWithBasicSecretIsChallenged(t *testing.T) {
	l := openLab(t)
	w, token := newJob(t, l, l.plain)
	err := l.openNode(t).call(request{
		Library: "openid-client", Call: "grant", Issuer: w.Issuer, Authentication: "basic", Type: tokenExchange,
		Parameters: want{kind: accessToken}.pairs(token),
	}, new(any))
	failed, ok := err.(*failure)
	if !ok || failed.OAuth == nil {
		t.Fatalf("not an OAuth error: %v", err)
	}
	if failed.OAuth.Status != http.StatusUnauthorized || failed.OAuth.Scheme != "basic" {
		t.Errorf("status %d, challenge %q, error %q", failed.OAuth.Status, failed.OAuth.Scheme, failed.OAuth.Code)
	}
}
