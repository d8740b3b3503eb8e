package script

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// An issuer is somebody else's: a platform that gives each of its jobs a token.
type issuer struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
}

const issuerKeyID = "platform-1"

func startIssuer() (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keySet, err := publish(key)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	i := &issuer{httptest.NewServer(mux), key}
	answer := func(path string, body any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body) // the other side went away
		})
	}
	answer("/.well-known/openid-configuration", map[string]string{"issuer": i.server.URL, "jwks_uri": i.server.URL + "/keys"})
	answer("/keys", keySet)
	return i, nil
}

// publish returns the key set of a P-256 key (RFC 7517 §5, RFC 7518 §6.2.1).
func publish(key *ecdsa.PrivateKey) (any, error) {
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return map[string]any{"keys": []map[string]string{{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": issuerKeyID,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}}, nil
}

// token returns a token of five minutes for a job; the claims go over its own, and a nil one is left out.
func (i *issuer) token(claims map[string]any) (string, error) {
	now := time.Now()
	all := jwt.MapClaims{
		"iss": i.server.URL, "sub": "ci:acme/app", "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	token.Header["kid"] = issuerKeyID
	return token.SignedString(i.key)
}
