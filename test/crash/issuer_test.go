package crash

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuerURL = "https://ci.example.com" // nobody reaches it: its key set is uploaded
	audience  = "https://api.example.com"
)

// An issuer is somebody else's, whose jobs exchange their tokens.
type issuer struct {
	key      *ecdsa.PrivateKey
	keySet   string
	audience string // the issuer that trusts it
	notAfter string // of the key set
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	x, y := base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
	return &issuer{
		key: key, keySet: fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"ci","x":%q,"y":%q}]}`, x, y),
		notAfter: time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	}
}

// token returns the token of a job.
func (i *issuer) token(subject, id string) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": issuerURL, "sub": subject, "aud": i.audience, "jti": id,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "ci"
	return token.SignedString(i.key)
}
