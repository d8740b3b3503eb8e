package jwt

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
)

// benchClaims is what an external token looks like: 684 bytes, as in the peers' figures.
const benchClaims = `{"iss":"https://token.actions.example.com","sub":"repo:acme/api:ref:refs/heads/main",` +
	`"aud":"https://nsc.example.com/w/acme","exp":1893456000,"nbf":1893455100,"iat":1893455100,` +
	`"jti":"9f3f3a1c-7b1e-4f1e-9d0a-2f6c0f7d5a11","ref":"refs/heads/main","sha":"4b825dc642cb6eb9a060e54bf8d69288fbee4904",` +
	`"repository":"acme/api","repository_id":"123456789","repository_owner":"acme","repository_owner_id":"987654",` +
	`"run_id":"7712345678","run_number":"412","run_attempt":"1","actor":"octocat","actor_id":"583231",` +
	`"workflow":"release","event_name":"push","ref_type":"branch","environment":"production",` +
	`"job_workflow_ref":"acme/api/.github/workflows/release.yml@refs/heads/main","runner_environment":"hosted"}`

func benchToken(b *testing.B) (string, *ecdsa.PrivateKey, *Signer) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	signer, err := NewSigner("2b6k3n5p7r9t", ES256, private)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := signer.Sign("JWT", []byte(benchClaims))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return raw, private, signer
}

func BenchmarkParse(b *testing.B) {
	raw, _, _ := benchToken(b)
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseByHand(b *testing.B) {
	raw, _, _ := benchToken(b)
	for b.Loop() {
		if _, _, _, err := parseByHand(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyES256(b *testing.B) {
	raw, private, _ := benchToken(b)
	key := Key{Public: private.Public()}
	for b.Loop() {
		token, err := Parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		if err := token.Verify(key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyES256ByHand(b *testing.B) {
	raw, private, _ := benchToken(b)
	for b.Loop() {
		if err := verifyByHand(raw, &private.PublicKey); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignES256(b *testing.B) {
	_, _, signer := benchToken(b)
	for b.Loop() {
		if _, err := signer.Sign("JWT", []byte(benchClaims)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignES256ByHand(b *testing.B) {
	_, private, _ := benchToken(b)
	for b.Loop() {
		if _, err := signByHand(private, []byte(benchClaims)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseHostile is the dearest claims that fit: as many objects of as many short names as are allowed.
func BenchmarkParseHostile(b *testing.B) {
	_, _, signer := benchToken(b)
	raw, err := signer.Sign("JWT", []byte(manyNames(5, 255)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// handClaims is what a careful programmer would decode with the standard library alone.
type handClaims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	ID        string          `json:"jti"`
	ExpiresAt int64           `json:"exp"`
	NotBefore int64           `json:"nbf"`
	IssuedAt  int64           `json:"iat"`
}

func parseByHand(raw string) (claims handClaims, input string, signature []byte, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return claims, "", nil, errors.New("not three parts")
	}
	var header struct{ Alg, Kid string }
	for i, into := range []any{&header, &claims} {
		document, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return claims, "", nil, err
		}
		if err := json.Unmarshal(document, into); err != nil {
			return claims, "", nil, err
		}
	}
	signature, err = base64.RawURLEncoding.DecodeString(parts[2])
	if header.Alg != "ES256" || len(signature) != 64 {
		err = errors.New("not ES256")
	}
	return claims, raw[:len(parts[0])+1+len(parts[1])], signature, err
}

func verifyByHand(raw string, public *ecdsa.PublicKey) error {
	_, input, signature, err := parseByHand(raw)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(input))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, digest[:], r, s) {
		return errors.New("signature")
	}
	return nil
}

func signByHand(private *ecdsa.PrivateKey, payload []byte) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "ES256", "kid": "2b6k3n5p7r9t", "typ": "JWT"})
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
