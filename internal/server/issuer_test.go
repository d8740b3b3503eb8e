package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// issuer is somebody else's OpenID Provider on loopback.
type issuer struct {
	*httptest.Server
	key     *ecdsa.PrivateKey
	names   atomic.Pointer[string] // what discovery says the issuer is; nil is the truth
	keySet  atomic.Pointer[[]byte] // what the JWKS is; nil is the key
	fetches atomic.Int64
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		name := i.URL
		if n := i.names.Load(); n != nil {
			name = *n
		}
		json.NewEncoder(w).Encode(map[string]string{"issuer": name, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		i.fetches.Add(1)
		if !strings.Contains(r.Header.Get("Accept"), "application/jwk-set+json") { // as kube-apiserver does
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		if set := i.keySet.Load(); set != nil {
			w.Write(*set)
			return
		}
		fmt.Fprintf(w, `{"keys":[%s]}`, i.jwk(t, "k1"))
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) jwk(t *testing.T, id string) []byte {
	t.Helper()
	jwk, err := jwt.Key{ID: id, Algorithm: jwt.ES256, Public: i.key.Public()}.JWK()
	if err != nil {
		t.Fatal(err)
	}
	return jwk
}

// claims are those of a token that a trust in subject "ci:acme/api" admits at the workspace dev of a server.
func (i *issuer) claims(s *running, change map[string]any) map[string]any {
	now := time.Now().Unix()
	claims := map[string]any{
		"iss": i.URL, "sub": "ci:acme/api", "aud": s.url + "/w/dev", "iat": now, "exp": now + 300, "jti": fmt.Sprint(now),
	}
	maps.Copy(claims, change)
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

func (i *issuer) sign(t *testing.T, keyID string, claims map[string]any) string {
	t.Helper()
	signer, err := jwt.NewSigner(keyID, jwt.ES256, i.key)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign("JWT", payload)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// trust registers a trust in the issuer's subject ci:acme/api, changed as given, and returns its ID.
func (s *running) trust(t *testing.T, i *issuer, change map[string]any) string {
	t.Helper()
	trust := map[string]any{
		"issuer": i.URL, "subject_match": "ci:acme/api",
		"grants": []any{map[string]any{"resource_type": "audience", "resource_id": "https://api.example.com", "actions": []string{"issue"}}},
	}
	maps.Copy(trust, change)
	status, answer := s.api(t, "POST", "/dev/trust-relationships", s.bearer(t), trust)
	if status != http.StatusCreated {
		t.Fatalf("trust: %d %v\n%s", status, answer, s.logs)
	}
	return answer["id"].(string)
}

// events returns how many events of a kind are on the record of dev.
func (s *running) events(t *testing.T, kind string) int {
	t.Helper()
	status, answer := s.api(t, "GET", "/dev/events/count?kind="+kind, s.bearer(t), nil)
	if status != http.StatusOK {
		t.Fatalf("events: %d %v\n%s", status, answer, s.logs)
	}
	return int(answer["count"].(float64))
}
