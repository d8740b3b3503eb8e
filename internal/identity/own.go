package identity

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// ownSource is the key source of our own tokens.
const ownSource = "own"

// Own verifies a token that the tenant's own issuer made for the tenant itself (rule 1). The signature's verification
// is remembered by the token's digest; times and the key's presence in the ring are checked on every use (rule 17).
// Whether the token was cut off is known to whoever holds the workspace's generation, not here.
//
// Faults: TokenIncomplete, TokenExpired, TokenNotYetValid; KeysUnavailable where the ring cannot be read; TokenRefused
// otherwise.
func (v *Verifier) Own(ctx context.Context, tenant Tenant, u Unverified) (Identity, error) {
	id, err := v.Issued(ctx, tenant, u)
	if err == nil && !addressedTo(id.v.claims, tenant.Issuer) { // rule 1
		return Identity{}, refuse("a token for audience %q is terminal", id.v.audience)
	}
	return id, err
}

// Issued verifies a token that the tenant's own issuer made for anybody. It is no credential: it is for introspection
// and revocation, whose callers have one of their own or hold the token.
func (v *Verifier) Issued(ctx context.Context, tenant Tenant, u Unverified) (Identity, error) {
	known := u.known
	if known == nil {
		known = v.recall(u.digest)
	}
	if known == nil {
		return v.verifyOwn(ctx, tenant, u)
	}
	if known.tenant != tenant {
		return Identity{}, refuse("a token of workspace %s shown to %s", known.tenant.Name, tenant.Name)
	}
	return v.checkKnown(ctx, known)
}

func (v *Verifier) checkKnown(ctx context.Context, known *verified) (Identity, error) {
	if err := checkTimes(known.claims, v.now(), 0); err != nil {
		v.forget(known.digest)
		return Identity{}, err
	}
	if err := v.checkParentKeys(ctx, known); err != nil {
		return Identity{}, err
	}
	if known.keySource == storedSource {
		return Identity{known}, nil
	}
	key, err := v.ownKey(ctx, known.tenant, known.key.ID)
	if err != nil {
		if fault.Is(err, fault.TokenRefused) {
			v.forget(known.digest)
		}
		return Identity{}, err
	}
	if !samePublic(key, known.key) {
		v.forget(known.digest)
		return Identity{}, refuse("key %q is not the one it was", key.ID)
	}
	return Identity{known}, nil
}

func (v *Verifier) verifyOwn(ctx context.Context, tenant Tenant, u Unverified) (Identity, error) {
	if u.stored != nil {
		return v.verifyStored(ctx, tenant, u)
	}
	if u.token == nil {
		return Identity{}, refuse("no token")
	}
	if err := checkIssued(tenant, u.token.Header, u.token.Claims, v.now()); err != nil {
		return Identity{}, err
	}
	key, err := v.ownKey(ctx, tenant, u.token.Header.KeyID)
	if err != nil {
		return Identity{}, err
	}
	if _, err := verifySignature(u.token, []jwt.Key{key}); err != nil {
		return Identity{}, err
	}
	known, err := ownIdentity(tenant, u, key)
	if err != nil {
		return Identity{}, err
	}
	if err := v.checkParentKeys(ctx, known); err != nil {
		return Identity{}, err
	}
	if addressedTo(known.claims, tenant.Issuer) { // one for another workspace of ours is that one's to verify
		v.remember(known)
	}
	return Identity{known}, nil
}

// checkParentKeys refuses what was derived from a token whose key is no longer in the ring: a key leaves it when all that
// it signed has ended, and all that was derived from that, or because somebody else may have signed with it (rule 29).
func (v *Verifier) checkParentKeys(ctx context.Context, known *verified) error {
	for _, keyID := range known.parentKeys {
		if _, err := v.ownKey(ctx, known.tenant, keyID); err != nil {
			if fault.Is(err, fault.TokenRefused) {
				v.forget(known.digest)
			}
			return err
		}
	}
	return nil
}

func checkIssued(tenant Tenant, h jwt.Header, c *jwt.Claims, now time.Time) error {
	if err := checkComplete(c); err != nil {
		return err
	}
	workspace, _ := c.Text("workspace_id")
	switch {
	case c.Issuer != tenant.Issuer, workspace != tenant.ID:
		return refuse("a token of %s (workspace %q) shown to %s", c.Issuer, workspace, tenant.Issuer)
	case h.Type != "at+jwt" && h.Type != "JWT": // rule 3
		return refuse("a token of type %q is not a credential", h.Type)
	}
	return checkTimes(c, now, 0)
}

// ownKey finds a key in the ring; a token always names one, since we made it.
func (v *Verifier) ownKey(ctx context.Context, tenant Tenant, keyID string) (jwt.Key, error) {
	key, ok, err := v.own.PublicKey(ctx, tenant.ID, keyID)
	switch {
	case err != nil:
		return jwt.Key{}, unavailable(err, time.Second)
	case !ok || keyID == "":
		return jwt.Key{}, refuse("key %q is not in the ring of %s", keyID, tenant.Name)
	}
	return key, nil
}

func samePublic(a, b jwt.Key) bool {
	public, ok := a.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public)
}

func ownIdentity(tenant Tenant, u Unverified, key jwt.Key) (*verified, error) {
	id := newVerified(tenant, Own, u, key, ownSource)
	id.subject, id.nsc = id.externalSubject, true
	var err error
	if id.rootIssuedAt, id.depth, err = lineage(id.claims); err != nil {
		return nil, err
	}
	id.clientID, _ = id.claims.Text("client_id")
	if err := id.readOwn(); err != nil {
		return nil, fault.New(fault.TokenRefused, err)
	}
	return id, nil
}

// readOwn reads the claims whose spelling is ours.
func (v *verified) readOwn() error {
	return errors.Join(
		readClaim(v.claims, "authorization_details", &v.permissions, readDetails),
		readClaim(v.claims, "trusts", &v.trusts, readTrusts),
		readClaim(v.claims, "parents", &v.parents, jwt.Value.Texts),
		readClaim(v.claims, "parent_keys", &v.parentKeys, jwt.Value.Texts),
		readClaim(v.claims, "groups", &v.groups, jwt.Value.Texts),
		decode(v.claims, "attributes", &v.attributes),
		v.delegation(v.claims),
	)
}

// readClaim reads a claim in a shape that is known; an absent claim leaves the value as it is.
func readClaim[T any](c *jwt.Claims, name string, into *T, shape func(jwt.Value) (T, error)) (err error) {
	if value, ok := c.Value(name); ok {
		*into, err = shape(value)
	}
	return err
}

// readDetails reads permissions as they stand in authorization_details (RFC 9396 §2.2).
func readDetails(v jwt.Value) (list []Permission, err error) {
	err = v.Elements(func(v jwt.Value) error {
		list = append(list, Permission{})
		p := &list[len(list)-1]
		return v.Members(func(name string, v jwt.Value) (err error) {
			switch name {
			case "type":
				p.ResourceType, err = v.Text()
			case "identifier":
				p.ResourceID, err = v.Text()
			case "actions":
				p.Actions, err = v.Texts()
			default:
				err = v.Skip()
			}
			return err
		})
	})
	return list, err
}

// readTrusts returns a list that is not nil: a token without the claim is of another sort.
func readTrusts(v jwt.Value) (list []TrustRef, err error) {
	list = []TrustRef{}
	err = v.Elements(func(v jwt.Value) error {
		list = append(list, TrustRef{})
		t := &list[len(list)-1]
		return v.Members(func(name string, v jwt.Value) (err error) {
			switch name {
			case "id":
				t.ID, err = v.Text()
			case "version":
				t.Version, err = v.Int()
			default:
				err = v.Skip()
			}
			return err
		})
	})
	return list, err
}

// detail is a Permission as it stands in authorization_details (RFC 9396 §2.2).
type detail struct {
	ResourceType string   `json:"type"`
	ResourceID   string   `json:"identifier"`
	Actions      []string `json:"actions"`
}

// decode reads a claim of a token of our own, whose spelling is ours; an absent claim leaves the value as it is.
func decode(c *jwt.Claims, name string, value any) error {
	raw, ok := c.Raw(name)
	if !ok {
		return nil
	}
	return json.Unmarshal(raw, value)
}
