package clouds

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A cluster gives its workloads service account tokens, as Kubernetes does. It is the issuer that the guides trust.
type cluster struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
}

// The service accounts: the one that the guides are about, and another one.
const (
	deployer  = "system:serviceaccount:apps:deployer"
	bystander = "system:serviceaccount:apps:bystander"
)

const clusterKey = "cluster-1"

func startCluster() (*cluster, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	c := &cluster{httptest.NewServer(mux), key}
	answer := func(path string, body any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, body) })
	}
	answer("/.well-known/openid-configuration", map[string]string{"issuer": c.server.URL, "jwks_uri": c.server.URL + "/keys"})
	answer("/keys", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: clusterKey, Algorithm: "ES256", Use: "sig"}}})
	return c, nil
}

// token returns a token of an hour for a service account.
func (c *cluster) token(t *testing.T, subject, audience string) string {
	t.Helper()
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": c.server.URL, "sub": subject, "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: c.key}, clusterKey, payload)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the other side went away
}
