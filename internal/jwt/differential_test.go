package jwt

import (
	"crypto"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
)

// reading is what a library takes a token for.
type reading struct {
	issuer, subject, id     string
	audience                string
	expires, before, issued int64
}

func readOurs(raw string, key Key) (reading, error) {
	if err := accept(raw, key); err != nil {
		return reading{}, err
	}
	c := must(Parse(raw)).Claims
	return reading{c.Issuer, c.Subject, c.ID, strings.Join(c.Audience, "|"), c.ExpiresAt, c.NotBefore, c.IssuedAt}, nil
}

var joseAlgorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

func readGoJose(raw string, public crypto.PublicKey) (reading, error) {
	token, err := josejwt.ParseSigned(raw, joseAlgorithms)
	if err != nil {
		return reading{}, err
	}
	var c josejwt.Claims
	if err := token.Claims(public, &c); err != nil {
		return reading{}, err
	}
	seconds := func(n *josejwt.NumericDate) int64 {
		if n == nil {
			return 0
		}
		return int64(*n)
	}
	return reading{
		c.Issuer, c.Subject, c.ID, strings.Join(c.Audience, "|"), seconds(c.Expiry), seconds(c.NotBefore), seconds(c.IssuedAt),
	}, nil
}

func readGolangJWT(raw string, public crypto.PublicKey) (reading, error) {
	var names []string
	for _, name := range joseAlgorithms {
		names = append(names, string(name))
	}
	parser := golangjwt.NewParser(golangjwt.WithValidMethods(names), golangjwt.WithoutClaimsValidation())
	var c golangjwt.RegisteredClaims
	_, err := parser.ParseWithClaims(raw, &c, func(*golangjwt.Token) (any, error) { return public, nil })
	seconds := func(n *golangjwt.NumericDate) int64 {
		if n == nil {
			return 0
		}
		return n.Unix()
	}
	return reading{
		c.Issuer, c.Subject, c.ID, strings.Join(c.Audience, "|"), seconds(c.ExpiresAt), seconds(c.NotBefore), seconds(c.IssuedAt),
	}, err
}

const plain = `{"iss":"https://issuer.example.com","sub":"repo:acme/api","aud":["a","b"],"jti":"j1",` +
	`"exp":1893456000,"nbf":1893455100,"iat":1893455100,"nested":{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"]}}`

// TestOthersVerifyOurs: what we sign, both libraries accept and read alike.
func TestOthersVerifyOurs(t *testing.T) {
	for alg := range methods {
		raw, key := mint(t, alg, plain), publicKey(privateKey(alg))
		want := must(readOurs(raw, key))
		if got, err := readGoJose(raw, key.Public); err != nil || got != want {
			t.Errorf("%s: go-jose reads %+v, %v, want %+v", alg, got, err, want)
		}
		if got, err := readGolangJWT(raw, key.Public); err != nil || got != want {
			t.Errorf("%s: golang-jwt reads %+v, %v, want %+v", alg, got, err, want)
		}
	}
}

// TestWeVerifyOthers: what both libraries sign, we accept.
func TestWeVerifyOthers(t *testing.T) {
	for alg := range methods {
		private := privateKey(alg)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: private},
			new(jose.SignerOptions).WithType("JWT").WithHeader("kid", "k1"))
		if err != nil {
			t.Fatal(err)
		}
		byJose := must(must(signer.Sign([]byte(plain))).CompactSerialize())
		if err := accept(byJose, publicKey(private)); err != nil {
			t.Errorf("%s by go-jose: %v", alg, err)
		}
		byGolang := golangjwt.NewWithClaims(golangjwt.GetSigningMethod(string(alg)), golangjwt.MapClaims{"iss": "i", "exp": 7})
		if err := accept(must(byGolang.SignedString(private)), publicKey(private)); err != nil {
			t.Errorf("%s by golang-jwt: %v", alg, err)
		}
	}
}

// mutant makes damaged tokens; the same ones in every run but for keys and signatures.
type mutant struct{ *rand.Rand }

// scraps are what a mutation puts into JSON.
var scraps = []string{
	`{`, `}`, `[`, `]`, `"`, `:`, `,`, `\`, ` `, "\n", "\x00", "\xff", "\xed\xa0\x80", `0`, `1`, `-`, `.`, `e`, `E9`, `e99`, `u`, `null`, `true`,
	`"iss":"x",`, `"ISS":"x",`, `"Iss":"x",`, `"\u0069ss":"x",`, `"exp":1.5,`, `"exp":1e3,`, `"exp":"1",`, `"a":1,`, `"n":1e400,`, `"a":{"b":1,"b":2},`,
	`\ud800`, `\u0000`, `\u0041`, `\n`, `é`, `1e400`, `9999999999999999999`, `253402300800`, `[[[[[[[[[[[[[[[[[`, `]]]]]]]]]]]]]]]]]`,
	`"deep":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + ",",
	`"crit":[],`, `"crit":["exp"],`, `"jku":"https://x",`, `"jwk":{},`, `"x5u":"https://x",`, `"b64":false,`, `"b64":true,`, `"x5c":[],`, `"kid":1,`,
	`"typ":1,`, `"alg":"none",`, `"alg":"HS256",`, `"ALG":"none",`, `"zip":"DEF",`, `"enc":"A128GCM",`, `"nonce":1,`, `"cty":"x",`,
}

// json damages a document: one to three times, something goes in, out or twice.
func (m mutant) json(document string) string {
	for range 1 + m.IntN(3) {
		if len(document) == 0 {
			break
		}
		at := m.IntN(len(document))
		if m.IntN(2) == 0 { // where a member may stand, so that what goes in is understood
			at = 1 + max(strings.IndexByte(document, '{'), 0)
		}
		to := min(at+1+m.IntN(8), len(document))
		at = min(at, to)
		switch m.IntN(4) {
		case 0:
			document = document[:at] + document[to:]
		case 1:
			document = document[:to] + document[at:]
		default:
			document = document[:at] + scraps[m.IntN(len(scraps))] + document[at:]
		}
	}
	return document
}

// compact damages a token as it travels.
func (m mutant) compact(raw string) string {
	at := m.IntN(len(raw))
	parts := strings.Split(raw, ".")
	switch m.IntN(10) {
	case 0:
		return raw[:at]
	case 1:
		return raw[:at] + raw[at+1:]
	case 2:
		return raw[:at] + string("\r\n =.+/-_Aé"[m.IntN(11)]) + raw[at:]
	case 3:
		return raw[:at] + string(byte(m.IntN(256))) + raw[at+1:]
	case 4:
		return raw + []string{"=", "==", "\n", " ", ".", ".x", "A"}[m.IntN(7)]
	case 5:
		return nextLetter(raw)
	case 6:
		return strings.Join([]string{parts[m.IntN(3)], parts[m.IntN(3)], parts[m.IntN(3)]}, ".")
	case 7:
		return resign(raw, func(s []byte) []byte { s[m.IntN(len(s))] ^= 1 << m.IntN(8); return s })
	case 8:
		return resign(raw, toASN1)
	}
	return parts[0] + "." + parts[1] + "\n." + parts[2]
}

// token returns the nth damaged token: first every scrap in three places, so that no class depends on luck.
func (m mutant) token(n int) (string, Key) {
	alg := []Algorithm{ES256, EdDSA}[n%2]
	header, payload := `{"alg":"`+string(alg)+`","typ":"JWT","kid":"k1"}`, plain
	switch place, scrap := n%3, n/3; {
	case scrap < len(scraps) && place == 0:
		header = "{" + scraps[scrap] + header[1:]
	case scrap < len(scraps) && place == 1:
		payload = "{" + scraps[scrap] + payload[1:]
	case scrap < len(scraps):
		payload = strings.Replace(payload, "issuer", "is"+scraps[scrap]+"suer", 1)
	case n%10 < 6:
		payload = m.json(payload)
	case n%10 < 8:
		header = m.json(header)
	default:
		return m.compact(forge(alg, header, payload)), publicKey(privateKey(alg))
	}
	return forge(alg, header, payload), publicKey(privateKey(alg))
}

// disagreements are all the ways in which we differ from at least one of the libraries about a damaged token, and
// why. What the table does not know fails the test, and so does what no longer happens.
var disagreements = map[string]string{
	"a NUL in a string":                  "legal JSON, but databases and C programs end a text there: two subjects would become one",
	"a date outside the years 1 to 9999": "both compute with it; time.Unix wraps round, and RFC 3339 cannot say it",
	"a name occurs twice in one object":  "golang-jwt takes the last; go-jose refuses it only in the objects that it decodes itself",
	"a number out of range":              "both skip what they do not decode; whoever decodes all claims later would fail",
	"a string that is not UTF-8":         "both put U+FFFD for it: many subjects would become one",
	"an escape that is no character":     "as above, by half a surrogate pair",
	"no value":                           "golang-jwt takes the text \"1\" for a number",
	"not the string that is needed":      "golang-jwt does not look at typ and kid",
	"not unpadded base64url":             "both pass over line ends and stray bits: one token would have many texts",
	"objects and arrays deeper than 16":  "both go on to 10,000",

	"the header has crit, which is not accepted": "golang-jwt ignores it (RFC 7515 §4.1.11 forbids that); go-jose allows it empty",
	"the header has b64, which is not accepted":  "golang-jwt ignores it; go-jose understands it; RFC 7519 never has it",
	"the header has jku, which is not accepted":  "both ignore it; it has no use but to mislead (RFC 8725 §3.10)",
	"the header has jwk, which is not accepted":  "as above; go-jose tries to read it",
	"the header has x5u, which is not accepted":  "as above",

	"we accept, go-jose does not: nonce":       "in a header, a member of ACME that go-jose wants to be a text; JWT does not know it",
	"we accept, golang-jwt reads another name": "ISS overwrites iss there: rule 14",
}

var position = regexp.MustCompile(` at byte \d+$`)

// TestDamagedTokens: nothing that we accept is refused by both libraries, what we and go-jose accept we read alike, and
// every other difference is one that the table explains.
func TestDamagedTokens(t *testing.T) {
	m := mutant{rand.New(rand.NewPCG(7515, 7519))}
	seen, accepted := map[string]bool{}, 0
	for n := range 10_000 {
		raw, key := m.token(n)
		if _, err := Parse(raw); err == nil {
			accepted++
		}
		for _, class := range disagree(raw, key) {
			if seen[class] = true; disagreements[class] == "" {
				t.Errorf("token %d, %s: not explained: %s", n, raw, class)
			}
		}
	}
	for class := range disagreements {
		if !seen[class] {
			t.Errorf("no longer a difference: %s", class)
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d tokens were well-formed: the damage is too great to test much", accepted)
	}
}

// disagree names the differences about one token.
func disagree(raw string, key Key) (classes []string) {
	ours, err := readOurs(raw, key)
	jose, joseErr := readGoJose(raw, key.Public)
	golang, golangErr := readGolangJWT(raw, key.Public)
	switch {
	case err != nil && joseErr != nil && golangErr != nil:
		return nil
	case err != nil:
		reason := position.ReplaceAllString(err.Error(), "")
		return []string{reason[strings.LastIndex(reason, ": ")+2:]}
	case joseErr != nil && golangErr != nil:
		return []string{"we accept, both refuse: " + joseErr.Error() + "; " + golangErr.Error()}
	case joseErr != nil && strings.Contains(joseErr.Error(), "unmarshal nonce"):
		classes = append(classes, "we accept, go-jose does not: nonce")
	case joseErr != nil:
		classes = append(classes, "we accept, go-jose does not: "+joseErr.Error())
	case ours != jose:
		classes = append(classes, "we accept, go-jose reads otherwise")
	}
	switch {
	case golangErr != nil:
		classes = append(classes, "we accept, golang-jwt does not: "+golangErr.Error())
	case ours != golang && hasOtherSpelling(must(Parse(raw)).Claims):
		classes = append(classes, "we accept, golang-jwt reads another name")
	case ours != golang:
		classes = append(classes, "we accept, golang-jwt reads otherwise")
	}
	return classes
}

// hasOtherSpelling reports whether a member's name differs from a known claim's only in the case of its letters.
func hasOtherSpelling(c *Claims) bool {
	return slices.ContainsFunc(c.members, func(m member) bool {
		return slices.ContainsFunc([]string{"iss", "sub", "aud", "jti", "exp", "nbf", "iat"}, func(known string) bool {
			return m.name != known && strings.EqualFold(m.name, known)
		})
	})
}
