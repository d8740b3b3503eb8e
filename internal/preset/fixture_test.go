package preset

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/policy"
)

var (
	now    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tenant = identity.Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "prod", Issuer: "https://nsc.example.com/w/prod"}
)

type claims map[string]any

// with returns the claims with changes; nil takes one away.
func (c claims) with(changes claims) claims {
	out := maps.Clone(c)
	maps.Copy(out, changes)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

// world signs tokens as any issuer, and decides on them as the server does.
type world struct {
	testing.TB
	verifier *identity.Verifier
	signer   *jwt.Signer
	keys     string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t}
	if w.signer, err = jwt.NewSigner("k1", jwt.ES256, private); err != nil {
		t.Fatal(err)
	}
	key := jwt.Key{ID: "k1", Algorithm: jwt.ES256, Public: private.Public()}
	jwk, err := key.JWK()
	if err != nil {
		t.Fatal(err)
	}
	w.keys = fmt.Sprintf(`{"keys":[%s]}`, jwk)
	w.verifier = identity.Open(identity.Options{Now: func() time.Time { return now }})
	return w
}

// trust returns what a preset drafts, checked as it is when it is written: without a warning.
func (w *world) trust(p Preset, values map[string]string) policy.Trust {
	w.Helper()
	draft, err := p.Trust(values)
	if err != nil {
		w.Fatal(err)
	}
	draft.ID, draft.WorkspaceID, draft.Version = "tttttttttttttttttttttttttA", tenant.ID, 1
	draft.Grants = []identity.Permission{{ResourceType: policy.Audience, ResourceID: "vault", Actions: []string{policy.Issue}}}
	checked, warnings, err := policy.Check(draft, tenant)
	if err != nil || len(warnings) > 0 {
		w.Fatalf("%s: %v, warnings %q\n%+v", p.Name, err, warnings, draft)
	}
	return checked
}

// admits reports whether a token with the claims is exchanged under the trust. A token of another issuer never meets it.
func (w *world) admits(t policy.Trust, c claims) bool {
	w.Helper()
	if c["iss"] != t.Issuer {
		return false
	}
	compiled, err := policy.Compile(t, tenant)
	if err != nil {
		w.Fatal(err)
	}
	payload, err := json.Marshal(c.with(claims{"iat": now.Unix(), "exp": now.Unix() + 300}))
	if err != nil {
		w.Fatal(err)
	}
	raw, err := w.signer.Sign("JWT", payload)
	if err != nil {
		w.Fatal(err)
	}
	unverified, err := identity.Read(raw)
	if err != nil {
		w.Fatal(err)
	}
	source := identity.KeySource{Kind: identity.JWKS, JWKS: w.keys, NotAfter: now.Add(time.Hour)}
	caller, err := w.verifier.External(context.Background(), tenant, unverified, source)
	if err != nil {
		w.Fatal(err)
	}
	decision := policy.Decide(caller, policy.NewTrusts([]*policy.Compiled{compiled}), nil, policy.Request{
		ID: "mmmmmmmmmmmmmmmmmmmmmmmmma", Now: now, Generation: 1, TokenType: policy.AccessToken,
	})
	_, granted := decision.Grant()
	return granted
}
