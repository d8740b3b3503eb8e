package kubernetes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A looseIssuer is an OpenID provider that signs whatever it is told to. The cluster trusts it by the same rules as
// nsc, so that the rules can be seen to refuse what nsc never says.
type looseIssuer struct {
	key    *ecdsa.PrivateKey
	server *httptest.Server
}

func startLooseIssuer(ca *authority) (*looseIssuer, error) {
	serving, err := ca.issue("loose-issuer", pkix.Name{CommonName: "loose issuer"})
	if err != nil {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(serving.cert, serving.key)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	i := &looseIssuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.serveDiscovery)
	mux.HandleFunc("GET /keys", i.serveKeys)
	i.server = httptest.NewUnstartedServer(mux)
	i.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	i.server.StartTLS()
	return i, nil
}

func (i *looseIssuer) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer":                                i.server.URL,
		"jwks_uri":                              i.server.URL + "/keys",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (i *looseIssuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	point, err := i.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]),
		"y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}}})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// token signs the subject and groups for the audience kubernetes.
func (i *looseIssuer) token(t *testing.T, subject string, groups ...string) string {
	t.Helper()
	now := time.Now()
	signed := encodePart(t, map[string]any{"alg": "ES256", "kid": "1", "typ": "JWT"}) + "." + encodePart(t, map[string]any{
		"iss": i.server.URL, "aud": "kubernetes", "sub": subject, "groups": groups,
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	})
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, i.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}

func encodePart(t *testing.T, part map[string]any) string {
	t.Helper()
	text, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
