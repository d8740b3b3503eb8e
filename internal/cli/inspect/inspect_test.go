package inspect

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func expect() Expectation {
	return Expectation{Now: noon, Issuer: "https://nsc.example.com/w/prod", Relative: func(t time.Time) string { return t.Sub(noon).String() }}
}

// issuer signs tokens and publishes its keys.
type issuer struct {
	server    *httptest.Server
	signer    *jwt.Signer
	published []jwt.Key
	says      string // its issuer, in the discovery document
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.signer, i.published = newKey(t, "k1")
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.server.Close)
	i.says = i.server.URL
	return i
}

func newKey(t *testing.T, kid string) (*jwt.Signer, []jwt.Key) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jwt.NewSigner(kid, jwt.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, []jwt.Key{{ID: kid, Public: private.Public()}}
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/jwks" {
		var keys []json.RawMessage
		for _, k := range i.published {
			text, err := k.JWK()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			keys = append(keys, text)
		}
		json.NewEncoder(w).Encode(map[string]any{"keys": keys})
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"issuer": i.says, "jwks_uri": i.server.URL + "/jwks"})
}

func (i *issuer) token(t *testing.T) string {
	t.Helper()
	text, err := i.signer.Sign("JWT", fmt.Appendf(nil, `{"iss":%q,"sub":"s","aud":"https://nsc.example.com/w/prod","iat":%d,"exp":%d}`,
		i.server.URL, noon.Unix(), noon.Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func unsignedToken(header, claims string) string {
	return encode(header) + "." + encode(claims) + "." + encode("signature")
}

const goodHeader = `{"alg":"ES256","typ":"JWT"}`

// goodClaims returns claims that nothing is wrong with, with members replaced.
func goodClaims(t *testing.T, changes string) string {
	t.Helper()
	claims := map[string]any{
		"iss": "https://issuer.example.com", "sub": "s", "aud": "https://nsc.example.com/w/prod",
		"iat": noon.Unix(), "exp": noon.Add(time.Hour).Unix(),
	}
	if err := json.Unmarshal([]byte(changes), &claims); err != nil {
		t.Fatal(err)
	}
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestProblems(t *testing.T) {
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	claims := func(changes string, args ...any) string {
		return unsignedToken(goodHeader, goodClaims(t, fmt.Sprintf(changes, args...)))
	}
	good := claims(`{}`)
	for name, c := range map[string]struct{ token, code, text string }{
		"nothing wrong":           {good, "", ""},
		"within the leeway":       {claims(`{"nbf":%d,"iat":%d}`, at(50*time.Second), at(50*time.Second)), "", ""},
		"expired":                 {claims(`{"exp":%d}`, at(-time.Minute)), Expired, "it expired -1m0s"},
		"not valid yet":           {claims(`{"nbf":%d}`, at(2*time.Minute)), NotYetValid, "it begins 2m0s"},
		"issued in the future":    {claims(`{"iat":%d}`, at(2*time.Minute)), NotYetValid, "will be issued 2m0s"},
		"no subject, no end":      {claims(`{"sub":null,"exp":null}`), Incomplete, "it lacks sub, exp"},
		"no audience":             {claims(`{"aud":[]}`), Incomplete, "it lacks aud"},
		"another audience":        {claims(`{"aud":"sts.amazonaws.com"}`), Audience, "its audience is sts.amazonaws.com; a trust expects https://nsc.example.com/w/prod"},
		"ours among audiences":    {claims(`{"aud":["x","https://nsc.example.com/w/prod"]}`), "", ""},
		"a slash too much":        {claims(`{"aud":"https://nsc.example.com/w/prod/"}`), Audience, "they differ only in a slash at the end"},
		"capitals":                {claims(`{"aud":"https://NSC.example.com/w/prod"}`), Audience, "they differ only in capital letters"},
		"http for https":          {claims(`{"aud":"http://nsc.example.com/w/prod"}`), Audience, "they differ only in http and https"},
		"unsigned":                {unsignedToken(`{"alg":"none"}`, goodClaims(t, `{}`)), Unsigned, "its alg is none"},
		"empty signature":         {encode(goodHeader) + "." + encode(`{}`) + ".", Unsigned, "its signature is empty"},
		"a shared secret":         {unsignedToken(`{"alg":"HS256"}`, goodClaims(t, `{}`)), Algorithm, "whoever can check such a signature can make one"},
		"a key in the header":     {unsignedToken(`{"alg":"ES256","jwk":{}}`, goodClaims(t, `{}`)), Malformed, "the header has jwk, which is not accepted"},
		"a name twice":            {unsignedToken(goodHeader, `{"iss":"a","iss":"b"}`), Malformed, "nsc does not read it"},
		"a date that is text":     {claims(`{"exp":"tomorrow"}`), Malformed, "nsc does not read it"},
		"claims that are cut":     {good[:len(good)/2], NotAToken, "it has 2 parts"},
		"claims that are no JSON": {encode(goodHeader) + "." + encode(`{"iss"`) + ".c2ln", Malformed, "the claims (second part) is not a JSON object"},
		"a header that is a list": {encode(`[]`) + "." + encode(`{}`) + ".c2ln", Malformed, "the header (first part) is not a JSON object"},
		"padded base64":           {base64.URLEncoding.EncodeToString([]byte(`{"alg":"ES256" }`)) + "." + encode(`{}`) + ".c2ln", Malformed, "base64 with padding"},
		"no base64":               {"a!b.e30.c2ln", Malformed, "the header (first part) is not base64url"},
		"signature no base64":     {encode(goodHeader) + ".e30.!", Malformed, "the signature (third part) is not base64url"},
		"opaque":                  {"nsct_abcdef", NotAToken, "there is no dot in it"},
		"encrypted":               {encode(`{"alg":"RSA-OAEP","enc":"A256GCM"}`) + ".a.b.c.d", Encrypted, "encrypted"},
		"empty":                   {"  \n", NotAToken, "the text is empty"},
		"too large":               {claims(`{"x":%q}`, strings.Repeat("x", jwt.MaxSize)), Malformed, "larger than 16 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			want := expect()
			want.Insist = true
			r := Token(c.token, want)
			if c.code == "" {
				if len(r.Problems) > 0 {
					t.Errorf("%+v", r.Problems)
				}
				return
			}
			if len(r.Problems) == 0 || r.Problems[0].Code != c.code || !strings.Contains(r.Problems[0].Text, c.text) {
				t.Errorf("%+v, want %s %q", r.Problems, c.code, c.text)
			}
		})
	}
}

func TestWhatPeopleCopy(t *testing.T) {
	good := unsignedToken(goodHeader, goodClaims(t, `{}`))
	for name, text := range map[string]string{
		"with a header's word": "Bearer " + good,
		"with line ends":       "\n" + good + "\r\n",
		"nsc's own file":       fmt.Sprintf(`{"bearer_token":%q,"session_token":""}`, good),
	} {
		if r := Token(text, expect()); len(r.Problems) > 0 || r.Claims == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestAnotherAudienceIsANoteUnlessInsistedOn(t *testing.T) {
	r := Token(unsignedToken(goodHeader, goodClaims(t, `{"aud":"x"}`)), expect())
	if len(r.Problems) != 0 || len(r.Notes) != 1 {
		t.Errorf("%+v", r)
	}
	own := Token(unsignedToken(goodHeader, goodClaims(t, `{"aud":"x","iss":"https://nsc.example.com/w/prod"}`)), expect())
	if len(own.Problems)+len(own.Notes) != 0 {
		t.Errorf("the workspace's own token for somebody else: %+v", own)
	}
}

func TestLongLifeIsNoted(t *testing.T) {
	r := Token(unsignedToken(goodHeader, goodClaims(t, fmt.Sprintf(`{"exp":%d}`, noon.Add(48*time.Hour).Unix()))), expect())
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "--max-external-lifetime") {
		t.Errorf("%+v", r.Notes)
	}
}

func TestMembersKeepOrderAndDuplicates(t *testing.T) {
	var names []string
	for _, m := range Members([]byte(`{"b":1,"a":{"x":[1]},"b":"2"}`)) {
		names = append(names, m.Name+"="+string(m.Value))
	}
	if got := strings.Join(names, " "); got != `b=1 a={"x":[1]} b="2"` {
		t.Errorf("%s", got)
	}
}

func TestSignature(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, i *issuer, token string) string
		status Status
		code   string
		reason string
	}{
		"valid": {nil, Valid, "", ""},
		"claims changed": {func(t *testing.T, i *issuer, token string) string {
			parts := strings.Split(token, ".")
			claims := fmt.Sprintf(`{"iss":%q,"sub":"root","aud":"a","iat":1,"exp":2}`, i.server.URL)
			return parts[0] + "." + encode(claims) + "." + parts[2]
		}, Invalid, BadSignature, "no key of its issuer made it"},
		"key of the same name": {func(t *testing.T, i *issuer, token string) string {
			_, i.published = newKey(t, "k1")
			return token
		}, Invalid, BadSignature, "no key of its issuer made it"},
		"key withdrawn": {func(t *testing.T, i *issuer, token string) string {
			_, i.published = newKey(t, "k2")
			return token
		}, Invalid, UnknownKey, `its issuer publishes no key "k1"`},
		"no key at all": {func(_ *testing.T, i *issuer, token string) string {
			i.published = nil
			return token
		}, Unchecked, "", "holds no key set"},
		"another issuer's document": {func(_ *testing.T, i *issuer, token string) string {
			i.says += "/"
			return token
		}, Unchecked, WrongIssuer, "another issuer's"},
		"issuer away": {func(_ *testing.T, i *issuer, token string) string {
			i.server.Close()
			return token
		}, Unchecked, "", "was not reached: "},
		"not a token": {func(*testing.T, *issuer, string) string { return "x" }, Unchecked, "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			token := i.token(t)
			if c.change != nil {
				token = c.change(t, i, token)
			}
			r := &Report{}
			r.Verify(t.Context(), token, Fetcher(nil, "test"))
			if r.Signature.Status != c.status || !strings.Contains(r.Signature.Reason, c.reason) {
				t.Errorf("%+v", r.Signature)
			}
			if c.code == "" && len(r.Problems) > 0 || c.code != "" && (len(r.Problems) != 1 || r.Problems[0].Code != c.code) {
				t.Errorf("%+v, want %s", r.Problems, c.code)
			}
		})
	}
}

// TestFetchesAreBounded: the addresses come from somebody else's token.
func TestFetchesAreBounded(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	handlers := map[string]http.HandlerFunc{
		"it redirects elsewhere":             func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"it answered with more than 512 KiB": func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, jwt.MaxKeySetBytes+1)) },
		"it answered 404 Not Found":          http.NotFound,
	}
	for want, handler := range handlers {
		server := httptest.NewServer(handler)
		defer server.Close()
		if _, err := Fetcher(nil, "test")(t.Context(), server.URL); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, address := range []string{"http://example.com/x", "file:///etc/passwd", "ftp://127.0.0.1", "", "https://", "http://169.254.169.254/"} {
		if _, err := Fetcher(nil, "test")(t.Context(), address); err == nil || !strings.Contains(err.Error(), "is not an https address") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestFetchStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	if _, err := Fetcher(nil, "test")(ctx, server.URL); err == nil {
		t.Error("no error")
	}
}

func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", unsignedToken(goodHeader, `{"iss":"x"}`), encode(`{"a":1,"a":{}}`) + ".e30.", "Bearer x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Token(text, expect())
		if r.Claims == nil && len(r.Problems) == 0 {
			t.Fatalf("nothing found in %q, and nothing wrong with it", text)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
		Members(r.Claims)
	})
}
