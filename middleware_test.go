package nsc_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc"
)

// subject answers with the subject that the context has.
var subject = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c, ok := nsc.ClaimsFrom(r.Context())
	if !ok {
		c.Subject = "nobody"
	}
	_, _ = io.WriteString(w, c.Subject)
})

// wantAnswer sends a request with the Authorization headers.
func wantAnswer(t *testing.T, h http.Handler, path string, authorization []string, status int, challenge, retry string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "https://your-service.example.com"+path, nil)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body := strings.TrimSpace(w.Body.String())
	if w.Code != status || w.Header().Get("WWW-Authenticate") != challenge || w.Header().Get("Retry-After") != retry {
		t.Errorf("%d, %v, %q; want %d, %q, %q", w.Code, w.Header(), body, status, challenge, retry)
	}
	switch {
	case status == http.StatusOK && body != "workspace/w/user/u":
		t.Errorf("the handler was given %q", body)
	case status != http.StatusOK && (body != http.StatusText(status) || w.Header().Get("Cache-Control") != "no-store"):
		t.Errorf("answered %q with %v", body, w.Header())
	}
}

const (
	noToken      = `Bearer realm="` + audience + `"`
	badToken     = noToken + `, error="invalid_token"`
	badRequest   = noToken + `, error="invalid_request"`
	insufficient = noToken + `, error="insufficient_scope"`
)

func TestHandlerAnswersAsRFC6750Says(t *testing.T) {
	i := newIssuer(prod)
	h := i.verifier().Handler(subject)
	good := i.sign("JWT", i.idClaims())
	for name, row := range map[string]struct {
		authorization []string
		status        int
		challenge     string
	}{
		"a good token":                 {[]string{"Bearer " + good}, 200, ""},
		"a good token again":           {[]string{"Bearer " + good}, 200, ""},
		"the scheme has no case":       {[]string{"bearer " + good}, 200, ""},
		"several spaces":               {[]string{"Bearer   " + good}, 200, ""},
		"no token":                     {nil, 401, noToken},
		"another scheme":               {[]string{"Basic dTpw"}, 401, noToken},
		"the scheme alone":             {[]string{"Bearer"}, 401, noToken},
		"an empty token":               {[]string{"Bearer "}, 401, badToken},
		"a token without its scheme":   {[]string{good}, 401, noToken},
		"a scheme that begins so":      {[]string{"Bearers " + good}, 401, noToken},
		"two tokens":                   {[]string{"Bearer " + good, "Bearer " + good}, 400, badRequest},
		"two in one header":            {[]string{"Bearer " + good + ", Bearer " + good}, 401, badToken},
		"garbage":                      {[]string{"Bearer x"}, 401, badToken},
		"an expired token":             {[]string{"Bearer " + i.sign("JWT", i.idClaims().with(claims{"exp": 1}))}, 401, badToken},
		"a token for somebody else":    {[]string{"Bearer " + i.sign("JWT", i.idClaims().with(claims{"aud": "x"}))}, 401, badToken},
		"an access token":              {[]string{"Bearer " + i.sign("at+jwt", i.idClaims())}, 401, badToken},
		"a forged token":               {[]string{"Bearer " + good[:len(good)-8] + "AAAAAAAA"}, 401, badToken},
		"a token with something after": {[]string{"Bearer " + good + " x"}, 401, badToken},
	} {
		t.Run(name, func(t *testing.T) { wantAnswer(t, h, "/", row.authorization, row.status, row.challenge, "") })
	}
}

// TestTheRealmIsTheAudience: RFC 6750 §3 wants a parameter in every challenge; it is a quoted string of RFC 9110 §5.6.4,
// whatever the audience is.
func TestTheRealmIsTheAudience(t *testing.T) {
	for audience, want := range map[string]string{
		"https://api.example":             `Bearer realm="https://api.example"`,
		`a "quoted" \ audience`:           `Bearer realm="a \"quoted\" \\ audience"`,
		"a\r\nSet-Cookie: a=b\x00\x7f\tc": `Bearer realm="aSet-Cookie: a=bc"`,
	} {
		wantAnswer(t, nsc.NewVerifier(prod, audience).Handler(subject), "/", nil, 401, want, "")
	}
}

func TestHandlerTakesNoTokenFromElsewhere(t *testing.T) {
	i := newIssuer(prod)
	h, token := i.verifier().Handler(subject), i.sign("JWT", i.idClaims())
	wantAnswer(t, h, "/?access_token="+token, nil, 401, noToken, "")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("access_token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "access_token", Value: token})
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}

func TestHandlerWithoutKeys(t *testing.T) {
	timed(t, func(t *testing.T, i *issuer) {
		i.fail(refused)
		v := i.verifier()
		h, token := v.Handler(subject), []string{"Bearer " + i.sign("JWT", i.idClaims())}
		wantAnswer(t, h, "/", token, 503, "", "10")
		time.Sleep(3500 * time.Millisecond)
		wantAnswer(t, h, "/", token, 503, "", "7")
		time.Sleep(6 * time.Second)
		wantAnswer(t, h, "/", token, 503, "", "1")
		var unavailable *nsc.KeysUnavailableError
		if _, err := v.Verify(t.Context(), i.sign("JWT", i.idClaims())); !errors.As(err, &unavailable) || unavailable.RetryAfter < time.Second {
			t.Errorf("%#v", err)
		}
		wantAnswer(t, h, "/", []string{"Bearer x"}, 401, badToken, "") // no keys are needed to see that
		i.recover()
		time.Sleep(time.Second)
		wantAnswer(t, h, "/", token, 200, "", "")
		synctest.Wait()
	})
}

func TestHandlerOfAMisconfiguredVerifierLetsNobodyIn(t *testing.T) {
	i := newIssuer(prod)
	h := nsc.NewVerifier(prod, "", nsc.HTTPClient(i.client())).Handler(subject)
	wantAnswer(t, h, "/", []string{"Bearer " + i.sign("JWT", i.idClaims())}, 500, "", "")
}

func TestRequire(t *testing.T) {
	i := newIssuer(prod)
	resource := func(r *http.Request) string { return "your-service.example.com" + r.URL.Path }
	h := i.verifier(nsc.AccessTokens()).Require("http", resource, "get")(subject)
	good := []string{"Bearer " + i.sign("at+jwt", i.accessClaims())}
	none := []string{"Bearer " + i.sign("at+jwt", i.idClaims())}
	for name, row := range map[string]struct {
		path          string
		authorization []string
		status        int
		challenge     string
	}{
		"granted":            {"/api/resource", good, 200, ""},
		"beyond the grant":   {"/admin", good, 403, insufficient},
		"no grant":           {"/api/resource", none, 403, insufficient},
		"no token":           {"/api/resource", nil, 401, noToken},
		"no token, beyond":   {"/admin", nil, 401, noToken},
		"another's token":    {"/api/resource", []string{"Bearer x"}, 401, badToken},
		"an ID token":        {"/api/resource", []string{"Bearer " + i.sign("JWT", i.accessClaims())}, 401, badToken},
		"two tokens, beyond": {"/admin", append(good, good...), 400, badRequest},
	} {
		t.Run(name, func(t *testing.T) { wantAnswer(t, h, row.path, row.authorization, row.status, row.challenge, "") })
	}
	post := i.verifier(nsc.AccessTokens()).Require("http", resource, "delete")(subject)
	wantAnswer(t, post, "/api/resource", good, 403, insufficient, "")
}

// TestRequireNeedsAccessTokens: with ID tokens it could only ever answer 403, which shows when it is too late.
func TestRequireNeedsAccessTokens(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "AccessTokens") {
			t.Errorf("panic %q", text)
		}
	}()
	newIssuer(prod).verifier().Require("http", nil, "get")
}

func TestContextWithoutClaims(t *testing.T) {
	if c, ok := nsc.ClaimsFrom(t.Context()); ok || c.Subject != "" {
		t.Errorf("%+v", c)
	}
}
