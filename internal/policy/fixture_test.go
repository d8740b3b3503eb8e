package policy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/jwt"
)

var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	tenant = identity.Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "acme", Issuer: "https://nsc.example/w/acme"}
)

const (
	issuer  = "https://issuer.example"
	subject = "repo:acme/api:ref:refs/heads/main"
	jti     = "mmmmmmmmmmmmmmmmmmmmmmmmma"
)

// world makes identities as the program does: by signing tokens and verifying them.
type world struct {
	testing.TB
	now      time.Time
	verifier *identity.Verifier
	signer   *jwt.Signer
	key      jwt.Key
	keys     string // the external issuer's JWKS
}

func newWorld(t testing.TB) *world {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, now: start, key: jwt.Key{ID: "k1", Algorithm: jwt.ES256, Public: private.Public()}}
	if w.signer, err = jwt.NewSigner("k1", jwt.ES256, private); err != nil {
		t.Fatal(err)
	}
	jwk, err := w.key.JWK()
	if err != nil {
		t.Fatal(err)
	}
	w.keys = fmt.Sprintf(`{"keys":[%s]}`, jwk)
	w.verifier = identity.Open(identity.Options{Own: w, Now: func() time.Time { return w.now }})
	return w
}

// PublicKey implements identity.OwnKeys.
func (w *world) PublicKey(context.Context, string, string) (jwt.Key, bool, error) {
	return w.key, true, nil
}

// sign returns a verified-enough view of a token with the payload.
func (w *world) sign(typ string, payload []byte) identity.Unverified {
	w.Helper()
	raw, err := w.signer.Sign(typ, payload)
	if err != nil {
		w.Fatal(err)
	}
	u, err := identity.Read(raw)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

type claims map[string]any

// external returns the identity of a token of the other issuer; nil values take a claim away.
func (w *world) external(changes claims) identity.Identity {
	w.Helper()
	c := claims{
		"iss": issuer, "sub": subject, "aud": tenant.Issuer, "jti": "external-1",
		"iat": w.now.Unix(), "exp": w.now.Unix() + 300,
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(c)
	if err != nil {
		w.Fatal(err)
	}
	source := identity.KeySource{Kind: identity.JWKS, JWKS: w.keys, NotAfter: w.now.Add(time.Hour)}
	who, err := w.verifier.External(context.Background(), tenant, w.sign("JWT", payload), source)
	if err != nil {
		w.Fatal(err)
	}
	return who
}

// own returns the identity of the token that a grant stands for.
func (w *world) own(g Grant) (identity.Identity, error) {
	w.Helper()
	return w.verifier.Own(context.Background(), tenant, w.sign(g.Typ(), g.Payload()))
}

func (w *world) mustOwn(g Grant) identity.Identity {
	w.Helper()
	who, err := w.own(g)
	if err != nil {
		w.Fatal(err)
	}
	return who
}

func grant(resourceType, id string, actions ...string) identity.Permission {
	return identity.Permission{ResourceType: resourceType, ResourceID: id, Actions: actions}
}

func these(list ...identity.Permission) []identity.Permission { return list }

// trust returns a trust that admits what external makes, with the changes.
func trust(change ...func(*Trust)) Trust {
	t := Trust{
		ID: "tttttttttttttttttttttttttA", WorkspaceID: tenant.ID, Issuer: issuer, SubjectMatch: subject, Enabled: true,
		Grants: these(grant(Workspace, "trust", Read), grant(Audience, "https://api.example/*", Issue)), Version: 1,
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

// compile checks and compiles trusts as writing and reading them does.
func compile(t testing.TB, list ...Trust) *Trusts {
	t.Helper()
	var out []*Compiled
	for _, tr := range list {
		checked, _, err := Check(tr, tenant)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Compile(checked, tenant)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return NewTrusts(out)
}

// ask returns a request for an access token for the issuer, with the changes.
func (w *world) ask(change ...func(*Request)) Request {
	r := Request{ID: jti, Now: w.now, Generation: 7, TokenType: AccessToken}
	for _, f := range change {
		f(&r)
	}
	return r
}

// granted demands that the decision is yes.
func (w *world) granted(d Decision) Grant {
	w.Helper()
	g, ok := d.Grant()
	if !ok {
		w.Fatalf("refused: %s %q %+v", d.Reason, d.Detail, d.Outcomes)
	}
	return g
}

// payloadOf decodes a grant's payload.
func payloadOf(t testing.TB, g Grant) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(g.Payload(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// fieldOf returns the field of a FieldError, or "".
func fieldOf(err error) string {
	var f *FieldError
	if errors.As(err, &f) {
		return f.Field
	}
	return ""
}
