package interop

import (
	"errors"
	"net/http"
	"testing"
)

// Refusals are OAuth errors that openid-client understands, with the code that the standards give to each.

// A wrongExchange is one in which a single thing is wrong.
type wrongExchange struct {
	token string // "" is the job's
	more  [][2]string
	code  string
}

func wrongExchanges(t *testing.T, l *lab, w workspace) map[string]wrongExchange {
	t.Helper()
	mint := func(subject, audience string, claims map[string]any) string {
		return l.platform.token(t, subject, audience, claims)
	}
	access := w.exchange(t, mint(job, w.Issuer, nil), want{kind: accessToken}).mustIssue(t)
	terminal := w.exchange(t, access, want{kind: idToken, audience: orders}).mustIssue(t)
	one := func(name, value string) [][2]string { return [][2]string{{name, value}} }
	return map[string]wrongExchange{
		// RFC 8693 §2.2.2: a subject token that is not accepted is invalid_request
		"subject token that is none":          {"nonsense", nil, "invalid_request"},
		"subject token that has ended":        {mint(job, w.Issuer, map[string]any{"iat": 1, "exp": 2}), nil, "invalid_request"},
		"subject token of an unknown subject": {mint("job:acme/other", w.Issuer, nil), nil, "invalid_request"},
		"subject token of an unknown issuer":  {l.secure.dev.issue(t, idToken, w.Issuer), nil, "invalid_request"},
		"subject token for somebody else":     {mint(job, orders, nil), nil, "invalid_request"},
		"terminal subject token":              {terminal, nil, "invalid_request"}, // rule 1
		"unknown subject token type":          {"", one("subject_token_type", "urn:example:token"), "invalid_request"},
		"unknown requested type":              {"", one("requested_token_type", "urn:example:token"), "invalid_request"},
		"actor token":                         {"", one("actor_token", access), "invalid_request"},
		// ibid.: a target that is not served or not allowed is invalid_target
		"audience without a grant": {"", one("audience", payments), "invalid_target"},
		"two audiences":            {"", [][2]string{{"audience", orders}, {"audience", w.Issuer}}, "invalid_target"},
		"resource that is no URI":  {"", one("resource", "orders"), "invalid_target"},
		// RFC 6749 §5.2, RFC 9396 §5
		"scope beyond the grants":   {"", one("scope", "workspace:admin"), "invalid_scope"},
		"details beyond the grants": {"", one("authorization_details", administration), "invalid_authorization_details"},
		"details that are none":     {"", one("authorization_details", `{"type":`), "invalid_authorization_details"},
	}
}

func TestExchangeRefusalsAreUnderstood(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	w, token := newJob(t, l, l.plain)
	for refused, c := range wrongExchanges(t, l, w) {
		t.Run(refused, func(t *testing.T) {
			if c.token == "" {
				c.token = token
			}
			parameters := append(c.more, [2]string{"subject_token", c.token})
			if len(c.more) == 0 || c.more[0][0] != "subject_token_type" {
				parameters = append(parameters, [2]string{"subject_token_type", jwtType})
			}
			a := client.grant(t, w, tokenExchange, "none", parameters)
			wantExplained(t, a, http.StatusBadRequest, c.code)
		})
	}
}

func TestGrantRefusalsAreUnderstood(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	w, token := newJob(t, l, l.plain)
	stranger := l.platform.token(t, "job:acme/other", w.Issuer, nil)
	for refused, c := range map[string]struct {
		grant, name, value string
		code               string
	}{
		"assertion that is none":          {jwtBearer, "assertion", "nonsense", "invalid_grant"}, // RFC 7523 §3.1
		"assertion of an unknown subject": {jwtBearer, "assertion", stranger, "invalid_grant"},
		"no assertion":                    {jwtBearer, "subject_token", token, "invalid_request"},
		"no subject token":                {tokenExchange, "assertion", token, "invalid_request"},
		"grant that is not served":        {"password", "password", "secret", "unsupported_grant_type"},
	} {
		t.Run(refused, func(t *testing.T) {
			a := client.grant(t, w, c.grant, "none", [][2]string{{c.name, c.value}})
			wantExplained(t, a, http.StatusBadRequest, c.code)
		})
	}
}

func wantExplained(t *testing.T, a answer, status int, code string) {
	t.Helper()
	a.wantError(t, status, code)
	if a.Description == "" {
		t.Error("no error_description")
	}
}

// The subject token is the credential: a client that authenticates is nobody here.
func TestClientWithSecretInFormIsRefused(t *testing.T) {
	l := openLab(t)
	w, token := newJob(t, l, l.plain)
	a := l.openIDClient(t).grant(t, w, tokenExchange, "post", want{kind: accessToken}.pairs(token))
	wantExplained(t, a, http.StatusUnauthorized, "invalid_client")
}

// One that tried the Authorization header is told the scheme by WWW-Authenticate (RFC 6749 §5.2).
func TestClientWithBasicSecretIsChallenged(t *testing.T) {
	l := openLab(t)
	w, token := newJob(t, l, l.plain)
	err := l.openNode(t).call(request{
		Library: "openid-client", Call: "grant", Issuer: w.Issuer, Authentication: "basic", Type: tokenExchange,
		Parameters: want{kind: accessToken}.pairs(token),
	}, new(any))
	failed, ok := errors.AsType[*failure](err)
	if !ok || failed.OAuth == nil {
		t.Fatalf("not an OAuth error: %v", err)
	}
	if o := failed.OAuth; o.Status != http.StatusUnauthorized || o.Scheme != "basic" {
		t.Errorf("status %d, challenge %q, error %q", o.Status, o.Scheme, o.Code)
	}
}
