package clouds

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// claims are what the tests read in a token. Whether it is good is for the other side to say.
type claims struct {
	Algorithm string `json:"-"` // of the header
	KeyID     string `json:"-"`

	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

func read(t *testing.T, token string) claims {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	var c claims
	var header struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}
	decode(t, parts[0], &header)
	decode(t, parts[1], &c)
	c.Algorithm, c.KeyID = header.Algorithm, header.KeyID
	return c
}

func decode(t *testing.T, part string, into any) {
	t.Helper()
	if err := unmarshalPart(part, into); err != nil {
		t.Fatalf("%v in a part of a token", err)
	}
}

func unmarshalPart(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func encode(t *testing.T, part any) string {
	t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// tampered changes one claim of a token and leaves header and signature as they are.
func tampered(t *testing.T, token, claim string, value any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	var payload map[string]any
	decode(t, parts[1], &payload)
	payload[claim] = value
	parts[1] = encode(t, payload)
	return strings.Join(parts, ".")
}

// unsigned takes the signature away and says so in the header.
func unsigned(t *testing.T, token string) string {
	t.Helper()
	return encode(t, map[string]string{"alg": "none", "typ": "JWT"}) + "." + strings.Split(token, ".")[1] + "."
}

// forged signs a token's claims with a key that nobody published, under the ID and by the algorithm of the key that
// signed it.
func forged(t *testing.T, token string) string {
	t.Helper()
	c := read(t, token)
	var key crypto.Signer
	var err error
	if c.Algorithm == string(jose.RS256) {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	var payload json.RawMessage
	decode(t, strings.Split(token, ".")[1], &payload)
	return sign(t, jose.SigningKey{Algorithm: jose.SignatureAlgorithm(c.Algorithm), Key: key}, c.KeyID, payload)
}

func sign(t *testing.T, key jose.SigningKey, keyID string, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", keyID))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
