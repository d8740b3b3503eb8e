package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"testing"
)

// The vectors of RFC 7638 §3.1, RFC 8037 §A.3 and RFC 7515 §A.3.
const (
	rfc7638Key = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK` +
		`RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7` +
		`d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-` +
		`kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	rfc8037Key   = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	rfc7515Key   = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfc7515Token = `eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.` +
		`DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`
)

func oneKey(t *testing.T, document string) Key {
	t.Helper()
	set, err := ParseKeySet([]byte(`{"keys":[` + document + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set.Keys[0]
}

func TestThumbprintVectors(t *testing.T) {
	for want, document := range map[string]string{
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs": rfc7638Key,
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k": rfc8037Key,
	} {
		if got := oneKey(t, document).Thumbprint(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTokenVector(t *testing.T) {
	token, err := Parse(rfc7515Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Verify(oneKey(t, rfc7515Key)); err != nil {
		t.Error(err)
	}
	if token.Claims.Issuer != "joe" || token.Claims.ExpiresAt != 1300819380 || token.Raw() != rfc7515Token {
		t.Errorf("got %+v", token.Claims)
	}
}

// TestThumbprintIsOfTheKey: neither its ID nor its algorithm changes it.
func TestThumbprintIsOfTheKey(t *testing.T) {
	for _, private := range []crypto.Signer{p256(), p384(), p521(), rsa2(), ed25()} {
		plain := publicKey(private)
		named := Key{ID: "k", Algorithm: RS256, Public: plain.Public}
		if plain.Thumbprint() == "" || plain.Thumbprint() != named.Thumbprint() {
			t.Errorf("%T: %q and %q", private, plain.Thumbprint(), named.Thumbprint())
		}
	}
}

func TestJWKRoundTrip(t *testing.T) {
	for alg := range methods {
		want := Key{ID: "k-" + string(alg), Algorithm: alg, Public: privateKey(alg).Public()}
		document, err := want.JWK()
		if err != nil {
			t.Fatal(err)
		}
		if got := oneKey(t, string(document)); !reflect.DeepEqual(got, want.Thumbprinted()) {
			t.Errorf("%s: got %+v from %s", alg, got, document)
		}
		var members map[string]string
		if err := json.Unmarshal(document, &members); err != nil {
			t.Fatal(err)
		}
		if members["use"] != "sig" || members["d"] != "" {
			t.Errorf("%s: %s", alg, document)
		}
	}
}

func TestKeyOfUnknownType(t *testing.T) {
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for _, public := range []crypto.PublicKey{nil, "a text", []byte("HMAC"), p256(), &p224.PublicKey} {
		k := Key{Public: public}
		for alg := range methods {
			if k.Accepts(alg) {
				t.Errorf("%T accepts %s", public, alg)
			}
		}
	}
	if got := (Key{Public: []byte("HMAC")}).Thumbprint(); got != "" {
		t.Errorf("got %q", got)
	}
	if got, err := (Key{Public: []byte("HMAC")}).JWK(); err == nil {
		t.Errorf("got %s", got)
	}
}

// TestKeyAccepts is the binding of algorithms to keys (RFC 8725 §3.1), whole: every key against every name.
func TestKeyAccepts(t *testing.T) {
	names := []Algorithm{ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA, "none", "HS256", "ES256K", "", "rs256"}
	rsaNames := []Algorithm{RS256, RS384, RS512, PS256, PS384, PS512}
	for _, row := range []struct {
		name    string
		key     Key
		accepts []Algorithm
	}{
		{"P-256", publicKey(p256()), []Algorithm{ES256}},
		{"P-384", publicKey(p384()), []Algorithm{ES384}},
		{"P-521", publicKey(p521()), []Algorithm{ES512}},
		{"Ed25519", publicKey(ed25()), []Algorithm{EdDSA}},
		{"RSA", publicKey(rsa2()), rsaNames},
		{"RSA for PS256", Key{Algorithm: PS256, Public: rsa2().Public()}, []Algorithm{PS256}},
		{"P-256 that says ES384", Key{Algorithm: ES384, Public: p256().Public()}, nil},
		{"P-256 that says HS256", Key{Algorithm: "HS256", Public: p256().Public()}, nil},
	} {
		var got []Algorithm
		for _, alg := range names {
			if row.key.Accepts(alg) {
				got = append(got, alg)
			}
		}
		if !reflect.DeepEqual(got, row.accepts) {
			t.Errorf("%s: accepts %v, want %v", row.name, got, row.accepts)
		}
	}
}
