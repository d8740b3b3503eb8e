package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A platform runs jobs and gives each a token, as a CI system or a cluster does. It is an issuer that is not nsc.
type platform struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
}

const platformKey = "platform-1"

func startPlatform() (*platform, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := encode(platformKey, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	p := &platform{httptest.NewServer(mux), key}
	answer := func(path string, body any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body) // the other side went away
		})
	}
	answer("/.well-known/openid-configuration",
		map[string]string{"issuer": p.server.URL, "jwks_uri": p.server.URL + "/keys"})
	answer("/keys", map[string]any{"keys": []publicKey{public}})
	return p, nil
}

func (p *platform) issuer() issuer { return issuer{url: p.server.URL} }

// token returns a token of five minutes for a job, with further claims that go over its own; a nil one is left out.
func (p *platform) token(t *testing.T, subject, audience string, more map[string]any) string {
	t.Helper()
	now := time.Now()
	c := jwt.MapClaims{
		"iss": p.server.URL, "sub": subject, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	token.Header["kid"] = platformKey
	signed, err := token.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
