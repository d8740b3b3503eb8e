package audit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
)

var tenant = identity.Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "acme", Issuer: "https://nsc.example/w/acme"}

const issuer = "https://issuer.example"

// world makes grants as the program does: from tokens that an issuer signed, by trusts.
type world struct {
	testing.TB
	verifier *identity.Verifier
	signer   *jwt.Signer
	keys     string // the issuer's JWKS
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, verifier: identity.Open(identity.Options{Now: time.Now})}
	if w.signer, err = jwt.NewSigner("k", jwt.ES256, private); err != nil {
		t.Fatal(err)
	}
	jwk, err := jwt.Key{ID: "k", Algorithm: jwt.ES256, Public: private.Public()}.JWK()
	if err != nil {
		t.Fatal(err)
	}
	w.keys = fmt.Sprintf(`{"keys":[%s]}`, jwk)
	return w
}

type claims map[string]any

// token returns a token of the issuer; nil takes a claim away.
func (w *world) token(changes claims) string {
	w.Helper()
	now := time.Now().Unix()
	c := claims{"iss": issuer, "sub": "repo:acme/api", "aud": tenant.Issuer, "jti": "once", "iat": now, "exp": now + 300}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(c)
	if err != nil {
		w.Fatal(err)
	}
	raw, err := w.signer.Sign("JWT", payload)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

func (w *world) verify(raw string) identity.Identity {
	w.Helper()
	u, err := identity.Read(raw)
	if err != nil {
		w.Fatal(err)
	}
	source := identity.KeySource{Kind: identity.JWKS, JWKS: w.keys, NotAfter: time.Now().Add(time.Hour)}
	who, err := w.verifier.External(w.Context(), tenant, u, source)
	if err != nil {
		w.Fatal(err)
	}
	return who
}

// wish is what a request asks for and which trust it meets.
type wish struct {
	trust policy.Trust
	req   policy.Request
}

func singleUse(x *wish) { x.trust.SingleUse = true }

// grant decides a request of the token's bearer.
func (w *world) grant(raw string, changes ...func(*wish)) policy.Grant {
	w.Helper()
	now := time.Now()
	x := wish{
		policy.Trust{
			ID: "ttttttttttttttttttttttttta", WorkspaceID: tenant.ID, Issuer: issuer, SubjectMatch: "repo:acme/api", Enabled: true,
			Grants:   []identity.Permission{{ResourceType: policy.Workspace, ResourceID: "*", Actions: []string{policy.Admin}}},
			Mappings: map[string]string{"groups": `has(claims.teams) ? claims.teams : ["none"]`}, Version: 1,
		},
		policy.Request{ID: id.New(now), Now: now, Generation: 7, TokenType: policy.AccessToken},
	}
	for _, change := range changes {
		change(&x)
	}
	checked, _, err := policy.Check(x.trust, tenant)
	if err != nil {
		w.Fatal(err)
	}
	compiled, err := policy.Compile(checked, tenant)
	if err != nil {
		w.Fatal(err)
	}
	d := policy.Decide(w.verify(raw), policy.NewTrusts([]*policy.Compiled{compiled}), nil, x.req)
	g, ok := d.Grant()
	if !ok {
		w.Fatalf("refused: %s %q %+v", d.Reason, d.Detail, d.Outcomes)
	}
	return g
}
