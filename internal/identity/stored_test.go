package identity

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/opaque"
)

// registered knows one token, whatever its secret.
type registered struct{ Registered }

func (r registered) Opaque(context.Context, []byte) ([]byte, error) { return nil, context.Canceled }

func (r registered) Revocable(context.Context, []byte) (Registered, error) { return r.Registered, nil }

// RFC 7662 §2.2: iat is when the token was issued, whenever it is asked. The chain that a use begins is as old as the use
// (rule 5).
func TestRule05ARevocableTokenIsAsOldAsItIsAndItsChainsAreNew(t *testing.T) {
	c := newClock()
	secrets := registered{Registered{
		ID: "r", WorkspaceID: tenant.ID, Workspace: tenant.Name, IssuedAt: start, ExpiresAt: start.Add(90 * 24 * time.Hour), Version: 1,
	}}
	v := Open(Options{
		Own: newRing(tenant.ID, newKey(t, "k", jwt.ES256)), Secrets: secrets, Issuer: func(string) string { return tenant.Issuer }, Now: c.now,
	})
	token, _ := opaque.New(opaque.Revocable)
	for range 3 {
		u, err := v.Resolve(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		who, err := v.Own(t.Context(), tenant, u)
		if err != nil {
			t.Fatal(err)
		}
		var told struct {
			Iat, Nbf, Exp int64
			Root          int64 `json:"root_iat"`
		}
		if err := json.Unmarshal([]byte(who.Payload()), &told); err != nil {
			t.Fatal(err)
		}
		at := start.Unix()
		if told.Iat != at || told.Root != at || told.Nbf != at-30 || told.Exp != secrets.ExpiresAt.Unix() || !who.IssuedAt().Equal(start) {
			t.Errorf("at %s: %+v", c.now(), told)
		}
		if !who.RootIssuedAt().Equal(c.now()) {
			t.Errorf("at %s, its chain began at %s", c.now(), who.RootIssuedAt())
		}
		c.advance(30*24*time.Hour - time.Minute)
	}
}
