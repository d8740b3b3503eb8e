package nsc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestSecurityAudienceIsMandatory(t *testing.T) {
	i := newIssuer(prod)
	for name, row := range map[string]struct {
		aud  any
		want error
	}{
		"ours":                  {audience, nil},
		"ours in an array":      {[]string{audience}, nil},
		"another":               {"https://other.example.com", nsc.ErrAudience},
		"none":                  {nil, nsc.ErrAudience},
		"empty array":           {[]string{}, nsc.ErrAudience},
		"empty text":            {"", nsc.ErrAudience},
		"ours among many":       {[]string{audience, "https://other.example.com"}, nsc.ErrAudience},
		"ours twice":            {[]string{audience, audience}, nsc.ErrAudience},
		"ours and more":         {audience + ".evil.example", nsc.ErrAudience},
		"a slash behind":        {audience + "/", nsc.ErrAudience},
		"in other letters":      {strings.ToUpper(audience), nsc.ErrAudience},
		"the issuer itself":     {prod, nsc.ErrAudience},
		"a pattern":             {"*", nsc.ErrAudience},
		"no text":               {7, nsc.ErrMalformed},
		"AUD in place of aud":   {nil, nsc.ErrAudience},
		"an array in the array": {[]any{[]string{audience}}, nsc.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			c := i.idClaims().with(claims{"aud": row.aud, "AUD": audience})
			_, err := i.verifier().Verify(t.Context(), i.sign("JWT", c))
			wantError(t, err, row.want)
		})
	}
	_, err := nsc.NewVerifier(prod, "", nsc.HTTPClient(i.client())).Verify(t.Context(), i.sign("JWT", i.idClaims().with(claims{"aud": ""})))
	wantError(t, err, nsc.ErrMisconfigured)
}

func TestSecurityIssuerIsExact(t *testing.T) {
	i := newIssuer(prod)
	for name, iss := range map[string]any{
		"a slash behind":        prod + "/",
		"in other letters":      "https://NSC.example.com/w/prod",
		"with the default port": "https://nsc.example.com:443/w/prod",
		"another scheme":        "http://nsc.example.com/w/prod",
		"another workspace":     "https://nsc.example.com/w/other",
		"ours and more":         prod + "uction",
		"none":                  nil,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := i.verifier().Verify(t.Context(), i.sign("JWT", i.idClaims().with(claims{"iss": iss})))
			wantError(t, err, nsc.ErrIssuer)
		})
	}
	if n := i.fetches(); n != 0 {
		t.Errorf("tokens of others caused %d fetches", n)
	}
}

// TestSecurityWorkspacesAreApart: two issuers with one key ID, and a token of the one that names the other.
func TestSecurityWorkspacesAreApart(t *testing.T) {
	i, j := newIssuer(prod), newIssuer("https://nsc.example.com/w/other")
	_, err := i.verifier().Verify(t.Context(), j.sign("JWT", j.idClaims()))
	wantError(t, err, nsc.ErrIssuer)
	_, err = i.verifier().Verify(t.Context(), j.sign("JWT", i.idClaims()))
	wantError(t, err, nsc.ErrSignature)
}

func TestRule03TypIsEnforced(t *testing.T) {
	i := newIssuer(prod)
	for _, row := range []struct {
		typ        string
		id, access error
	}{
		{"JWT", nil, nsc.ErrType},
		{"at+jwt", nsc.ErrType, nil},
		{"", nsc.ErrType, nsc.ErrType},
		{"jwt", nsc.ErrType, nsc.ErrType},
		{"application/at+jwt", nsc.ErrType, nsc.ErrType},
		{"logout+jwt", nsc.ErrType, nsc.ErrType},
		{"oauth-authz-req+jwt", nsc.ErrType, nsc.ErrType},
	} {
		token := i.sign(row.typ, i.accessClaims())
		_, err := i.verifier().Verify(t.Context(), token)
		wantError(t, err, row.id)
		_, err = i.verifier(nsc.AccessTokens()).Verify(t.Context(), token)
		wantError(t, err, row.access)
	}
}

func TestSecurityAlgorithmConfusion(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i, rsa := newIssuer(prod), newKey("rsa", jwt.RS256)
	ec := key{"ec", nil, jwt.Key{ID: "ec", Public: &private.PublicKey}}
	i.publish(ec, rsa)
	v := i.verifier()
	text, err := json.Marshal(i.idClaims())
	if err != nil {
		t.Fatal(err)
	}
	honest := string(text)
	good := forge(private, `{"alg":"ES256","kid":"ec","typ":"JWT"}`, honest)
	parts := strings.Split(good, ".")
	der, err := x509.MarshalPKIXPublicKey(rsa.Public)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(secret []byte) string {
		input := b64(`{"alg":"HS256","kid":"rsa","typ":"JWT"}`) + "." + b64(honest)
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(input))
		return input + "." + b64(string(h.Sum(nil)))
	}
	for name, row := range map[string]struct {
		token string
		want  error
	}{
		"control":                      {good, nil},
		"alg none":                     {b64(`{"alg":"none","kid":"ec","typ":"JWT"}`) + "." + parts[1] + ".", nsc.ErrAlgorithm},
		"alg None, a signature":        {forge(private, `{"alg":"None","kid":"ec","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"alg absent":                   {forge(private, `{"kid":"ec","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"HS256 with the public key":    {mac(der), nsc.ErrAlgorithm},
		"HS256 with an empty key":      {mac(nil), nsc.ErrAlgorithm},
		"ES256 for the RSA key":        {forge(private, `{"alg":"ES256","kid":"rsa","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"RS256 for the EC key":         {forge(private, `{"alg":"RS256","kid":"ec","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"PS256 for a key of RS256":     {forge(private, `{"alg":"PS256","kid":"rsa","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"ES384 for a P-256 key":        {forge(private, `{"alg":"ES384","kid":"ec","typ":"JWT"}`, honest), nsc.ErrAlgorithm},
		"embedded jwk":                 {forge(private, `{"alg":"ES256","typ":"JWT","jwk":{}}`, honest), nsc.ErrMalformed},
		"jku":                          {forge(private, `{"alg":"ES256","typ":"JWT","jku":"https://evil.example.com"}`, honest), nsc.ErrMalformed},
		"x5u":                          {forge(private, `{"alg":"ES256","typ":"JWT","x5u":"https://evil.example.com"}`, honest), nsc.ErrMalformed},
		"crit":                         {forge(private, `{"alg":"ES256","typ":"JWT","crit":["exp"]}`, honest), nsc.ErrMalformed},
		"no signature":                 {parts[0] + "." + parts[1] + ".", nsc.ErrMalformed},
		"another's signature":          {parts[0] + "." + parts[1] + "." + strings.Split(rsa.sign("JWT", i.idClaims()), ".")[2], nsc.ErrSignature},
		"a claim changed":              {parts[0] + "." + b64(strings.Replace(honest, "user/u", "user/v", 1)) + "." + parts[2], nsc.ErrSignature},
		"a key that is not published":  {i.sign("JWT", i.idClaims().with(claims{"sub": "x"})), nsc.ErrSignature},
		"no key ID, a published key":   {forge(private, `{"alg":"ES256","typ":"JWT"}`, honest), nil},
		"no key ID, no published key":  {newKey("", jwt.ES256).sign("JWT", i.idClaims()), nsc.ErrSignature},
		"a signature with a byte more": {good + "AA", nsc.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "not published") {
				v = i.verifier() // its first fetch is the one that the unknown key asks for
			}
			_, err := v.Verify(t.Context(), row.token)
			wantError(t, err, row.want)
		})
	}
}

func TestSecurityParserExhaustion(t *testing.T) {
	i := newIssuer(prod)
	header := b64(`{"alg":"ES256","typ":"JWT"}`)
	for name, token := range map[string]string{
		"nothing":             "",
		"a megabyte of dots":  strings.Repeat(".", 1<<20),
		"17 KiB":              header + "." + strings.Repeat("A", 17<<10) + ".AA",
		"deep JSON":           header + "." + b64(strings.Repeat(`{"a":`, 1000)+strings.Repeat("}", 1000)) + ".AA",
		"a huge number":       header + "." + b64(`{"exp":1e999999999}`) + ".AA",
		"a name twice":        header + "." + b64(`{"aud":"a","aud":"`+audience+`"}`) + ".AA",
		"four parts":          "a.b.c.d",
		"five parts, as JWE":  header + ".a.b.c.d",
		"a thousand names":    header + "." + b64("{"+strings.Repeat(`"x":1,`, 1000)+`"y":1}`) + ".AA",
		"the word Bearer too": "Bearer " + i.sign("JWT", i.idClaims()),
		"a newline behind":    i.sign("JWT", i.idClaims()) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := i.verifier().Verify(t.Context(), token)
			wantError(t, err, nsc.ErrMalformed)
		})
	}
	if n := i.fetches(); n != 0 {
		t.Errorf("what is no token caused %d fetches", n)
	}
}

func TestRule14ClaimsAreReadAsWritten(t *testing.T) {
	i := newIssuer(prod)
	grant := func(c claims) any { return []claims{c} }
	for name, row := range map[string]struct {
		claims  claims
		want    error
		allowed bool
	}{
		"control":                         {claims{}, nil, true},
		"ISS does not overwrite iss":      {claims{"ISS": "https://evil.example"}, nil, true},
		"nor does one that comes after":   {claims{"iſs": "https://evil.example"}, nil, true},
		"Authorization_Details is none":   {claims{"authorization_details": nil, "Authorization_Details": i.accessClaims()["authorization_details"]}, nil, false},
		"TYPE is not type":                {claims{"authorization_details": grant(claims{"TYPE": "http", "identifier": "your-service.example.com/api/*", "actions": []string{"get"}})}, nil, false},
		"an unknown member may narrow":    {claims{"authorization_details": grant(claims{"type": "http", "identifier": "your-service.example.com/api/*", "actions": []string{"get"}, "from": "10.0.0.1"})}, nil, false},
		"grants that are none":            {claims{"authorization_details": "http"}, nil, false},
		"a grant that is none":            {claims{"authorization_details": []string{"http"}}, nil, false},
		"an action that is none":          {claims{"authorization_details": grant(claims{"type": "http", "actions": []int{1}})}, nil, false},
		"a group that is none":            {claims{"groups": []any{"visitors", 1}}, nil, true},
		"an attribute that is none":       {claims{"attributes": claims{"a": "b", "c": 1}}, nil, true},
		"groups that are none":            {claims{"groups": "staff"}, nil, true},
		"attributes that are none":        {claims{"attributes": []string{"a"}}, nil, true},
		"a date that is a text":           {claims{"exp": "1893456000"}, nsc.ErrMalformed, false},
		"a date beyond int64":             {claims{"exp": json.Number("1e30")}, nsc.ErrMalformed, false},
		"no subject":                      {claims{"sub": nil}, nsc.ErrIncomplete, false},
		"no end":                          {claims{"exp": nil}, nsc.ErrIncomplete, false},
		"no beginning":                    {claims{"iat": nil}, nsc.ErrIncomplete, false},
		"an empty list of grants":         {claims{"authorization_details": []string{}}, nil, false},
		"a grant with an empty identifer": {claims{"authorization_details": grant(claims{"type": "http", "actions": []string{"get"}})}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := i.verifier(nsc.AccessTokens()).Verify(t.Context(), i.sign("at+jwt", i.accessClaims().with(row.claims)))
			wantError(t, err, row.want)
			if got := c.Allows("http", "your-service.example.com/api/resource", "get"); got != row.allowed {
				t.Errorf("allowed: %v", got)
			}
			if c.InGroup("visitors") || c.Attributes() != nil {
				t.Errorf("groups %q, attributes %q", c.Groups(), c.Attributes())
			}
		})
	}
}

// TestSecurityKeyFetch: what an issuer, or somebody in its place, may answer in place of its keys.
func TestSecurityKeyFetch(t *testing.T) {
	const discovery, jwks = "/.well-known/openid-configuration", "/jwks"
	elsewhere := func(url string) answer {
		return answer{status: http.StatusFound, header: http.Header{"Location": {url}}, body: strings.NewReader("")}
	}
	named := func(issuer, keys string) answer {
		return ok(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, keys))
	}
	for name, row := range map[string]struct {
		path   string
		answer answer
		says   string
	}{
		"issuer with a slash":      {discovery, named(prod+"/", prod+"/jwks"), "names the issuer"},
		"issuer of another":        {discovery, named("https://evil.example", prod+"/jwks"), "names the issuer"},
		"ISSUER in place of it":    {discovery, ok(`{"ISSUER":"` + prod + `","jwks_uri":"` + prod + `/jwks"}`), "names the issuer"},
		"issuer twice":             {discovery, ok(`{"issuer":"x","issuer":"` + prod + `","jwks_uri":"` + prod + `/jwks"}`), "twice"},
		"keys over plain HTTP":     {discovery, named(prod, "http://nsc.example.com/w/prod/jwks"), "not https"},
		"keys in a file":           {discovery, named(prod, "file:///etc/passwd"), "not an address"},
		"no address of keys":       {discovery, ok(`{"issuer":"` + prod + `"}`), "not an address"},
		"redirect to another host": {discovery, elsewhere("https://evil.example/w/prod/jwks"), "redirect"},
		"redirect to plain HTTP":   {jwks, elsewhere("http://nsc.example.com/w/prod/jwks"), "redirect"},
		"redirect without end":     {jwks, elsewhere(prod + "/jwks"), "redirect"},
		"an endless body":          {jwks, answer{status: http.StatusOK, body: endless{}}, "more than"},
		"no JSON":                  {jwks, ok("<html>"), "malformed"},
		"no key":                   {jwks, ok(`{"keys":[]}`), "no usable key"},
		"a symmetric key alone":    {jwks, ok(`{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}`), "no usable key"},
		"not found":                {jwks, answer{status: http.StatusNotFound, body: strings.NewReader("")}, "404"},
		"a server error":           {jwks, answer{status: http.StatusBadGateway, body: strings.NewReader("")}, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(prod)
			i.give(row.path, row.answer)
			_, err := i.verifier().Verify(t.Context(), i.sign("JWT", i.idClaims()))
			wantError(t, err, nsc.ErrKeysUnavailable)
			if err == nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v does not say %q", err, row.says)
			}
			if i.strayed {
				t.Error("another address than the issuer's was asked")
			}
		})
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

var _ io.Reader = endless{}

func TestSecurityPlainHTTPIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		issuer  string
		options []nsc.Option
		want    error
	}{
		"HTTPS":                                {prod, nil, nsc.ErrKeysUnavailable},
		"HTTP":                                 {"http://nsc.example.com/w/prod", nil, nsc.ErrMisconfigured},
		"HTTP on this machine":                 {"http://127.0.0.1:1/w/prod", nil, nsc.ErrMisconfigured},
		"HTTP, allowed, on this machine":       {"http://127.0.0.1:1/w/prod", []nsc.Option{nsc.InsecureAllowHTTP()}, nsc.ErrKeysUnavailable},
		"HTTP, allowed, on localhost":          {"http://localhost:1/w/prod", []nsc.Option{nsc.InsecureAllowHTTP()}, nsc.ErrKeysUnavailable},
		"HTTP, allowed, but another machine":   {"http://nsc.example.com/w/prod", []nsc.Option{nsc.InsecureAllowHTTP()}, nsc.ErrMisconfigured},
		"HTTP, allowed, a name that begins so": {"http://127.0.0.1.evil.example/w/prod", []nsc.Option{nsc.InsecureAllowHTTP()}, nsc.ErrMisconfigured},
		"no issuer":                            {"", nil, nsc.ErrMisconfigured},
		"no URL":                               {"prod", nil, nsc.ErrMisconfigured},
		"a user in it":                         {"https://a:b@nsc.example.com/w/prod", nil, nsc.ErrMisconfigured},
		"a query":                              {prod + "?x=y", nil, nsc.ErrMisconfigured},
		"a slash behind":                       {prod + "/", nil, nsc.ErrMisconfigured},
		"a leeway of days":                     {prod, []nsc.Option{nsc.Leeway(48 * 3600e9)}, nsc.ErrMisconfigured},
		"a leeway below zero":                  {prod, []nsc.Option{nsc.Leeway(-1)}, nsc.ErrMisconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(row.issuer)
			i.fail(io.ErrUnexpectedEOF)
			wantError(t, i.verifier(row.options...).Ready(t.Context()), row.want)
			_, err := i.verifier(row.options...).Verify(t.Context(), i.sign("JWT", i.idClaims()))
			wantError(t, err, row.want)
		})
	}
}
