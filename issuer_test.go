package nsc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc"
	"github.com/nsc-federation/nsc/internal/jwt"
)

const (
	prod     = "https://nsc.example.com/w/prod"
	audience = "https://your-service.example.com"
)

// key is a key of an issuer, both halves.
type key struct {
	id     string
	signer *jwt.Signer
	jwt.Key
}

func newKey(id string, alg jwt.Algorithm) key {
	var private crypto.Signer
	switch alg {
	case jwt.EdDSA:
		_, private, _ = ed25519.GenerateKey(rand.Reader)
	case jwt.RS256:
		private, _ = rsa.GenerateKey(rand.Reader, 2048)
	default:
		private, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	signer, err := jwt.NewSigner(id, alg, private)
	if err != nil {
		panic(err)
	}
	return key{id, signer, jwt.Key{ID: id, Algorithm: alg, Public: private.Public()}}
}

// issuer is a workspace that answers in process: it is the transport of an HTTP client.
type issuer struct {
	url string
	key key // that signs

	mu        sync.Mutex
	published []key
	answers   map[string]answer // by path, in place of the ordinary ones
	down      error             // what every call fails with
	hold      chan struct{}     // calls wait for it
	calls     map[string]int    // by path
	strayed   bool              // something else was asked than the issuer's address
}

// answer is one that an issuer should not give.
type answer struct {
	status int
	header http.Header
	body   io.Reader
}

func newIssuer(url string) *issuer {
	k := newKey("k1", jwt.ES256)
	return &issuer{url: url, key: k, published: []key{k}, answers: map[string]answer{}, calls: map[string]int{}}
}

func (i *issuer) client() *http.Client { return &http.Client{Transport: i} }

// verifier returns a verifier that reaches the issuer.
func (i *issuer) verifier(options ...nsc.Option) *nsc.Verifier {
	return nsc.NewVerifier(i.url, audience, append([]nsc.Option{nsc.HTTPClient(i.client())}, options...)...)
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.calls[r.URL.Path]++
	i.strayed = i.strayed || !strings.HasPrefix(r.URL.String(), i.url+"/")
	down, hold := i.down, i.hold
	a, strange := i.answers[r.URL.Path]
	if !strange {
		a = i.ordinary(r.URL.String())
	}
	i.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if down != nil {
		return nil, down
	}
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprint(a.status), Header: a.header, Body: io.NopCloser(a.body), Request: r,
	}, nil
}

func (i *issuer) ordinary(url string) answer {
	switch url {
	case i.url + "/.well-known/openid-configuration":
		return ok(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, i.url, i.url+"/jwks"))
	case i.url + "/jwks":
		return ok(document(i.published...))
	}
	return answer{status: http.StatusNotFound, body: strings.NewReader("")}
}

func ok(body string) answer { return answer{status: http.StatusOK, body: strings.NewReader(body)} }

// document is the JWKS with the public halves.
func document(keys ...key) string {
	members := []json.RawMessage{}
	for _, k := range keys {
		member, err := k.JWK()
		if err != nil {
			panic(err)
		}
		members = append(members, member)
	}
	text, _ := json.Marshal(map[string]any{"keys": members})
	return string(text)
}

// publish replaces the keys that the issuer publishes.
func (i *issuer) publish(keys ...key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = keys
}

// fail has every call fail, until it is called with nil.
func (i *issuer) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = err
}

// give has a path below the issuer answered otherwise.
func (i *issuer) give(path string, a answer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers["/w/prod"+path] = a
}

// fetches counts the attempts to have the keys.
func (i *issuer) fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls["/w/prod/.well-known/openid-configuration"]
}

// claims are the payload of a token.
type claims map[string]any

// idClaims are those of an ID token for the audience, issued now, for five minutes.
func (i *issuer) idClaims() claims {
	now := time.Now().Unix()
	return claims{
		"iss": i.url, "sub": "workspace/w/user/u", "aud": audience, "iat": now, "nbf": now - 30, "exp": now + 300,
		"jti": "j", "workspace_id": "w", "workspace": "prod", "root_iat": now, "depth": 0, "groups": []string{"staff", "ops"},
	}
}

// with returns the claims with others added, and without those that are nil.
func (c claims) with(others claims) claims {
	all := maps.Clone(c)
	maps.Copy(all, others)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// accessClaims are those of an access token with a grant.
func (i *issuer) accessClaims() claims {
	return i.idClaims().with(claims{"client_id": "c", "authorization_details": []claims{
		{"type": "http", "identifier": "your-service.example.com/api/*", "actions": []string{"get", "post"}},
		{"type": "registry", "identifier": "team/app", "actions": []string{"pull"}},
	}})
}

// sign returns a token with the key of the issuer.
func (i *issuer) sign(typ string, c claims) string { return i.key.sign(typ, c) }

func (k key) sign(typ string, c claims) string {
	payload, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	token, err := k.signer.Sign(typ, payload)
	if err != nil {
		panic(err)
	}
	return token
}

// forge returns a token with any header and payload whatever, signed rightly over both with a key of the algorithm
// ES256: the header of its own signature is replaced.
func forge(private *ecdsa.PrivateKey, header, payload string) string {
	input := b64(header) + "." + b64(payload)
	digest := crypto.SHA256.New()
	digest.Write([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private, digest.Sum(nil))
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + b64(string(signature))
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// wantError checks that an error is of a reason, or that there is none where that is nil.
func wantError(t *testing.T, err, reason error) {
	t.Helper()
	if !errors.Is(err, reason) || (err == nil) != (reason == nil) {
		t.Errorf("error %v, want %v", err, reason)
	}
}
