package identity

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/opaque"
)

// storedSource is the key source of tokens that are known by a row instead of a signature.
const storedSource = "stored"

// Secrets finds tokens by the hash of their secret. An unknown one is a fault.NotFound.
type Secrets interface {
	// Opaque returns the claims of an opaque access token.
	Opaque(ctx context.Context, hash []byte) (payload []byte, err error)
	// Revocable returns a registered token.
	Revocable(ctx context.Context, hash []byte) (Registered, error)
}

// Registered is a revocable token as identity needs it.
type Registered struct {
	ID          string
	WorkspaceID string
	Workspace   string // name
	Permissions []Permission
	IssuedAt    time.Time // when the present secret was made
	ExpiresAt   time.Time
	Version     int64
}

// Resolve is Read, and for an opaque token of our own it looks up what the token stands for, which is then verified like
// a token of our own. A text whose checksum is wrong costs no look-up.
func (v *Verifier) Resolve(ctx context.Context, raw string) (Unverified, error) {
	if !opaque.Is(raw) {
		return v.Read(raw)
	}
	kind, hash, err := opaque.Read(raw)
	if err != nil {
		return Unverified{}, fault.New(fault.TokenMalformed, err)
	}
	if v.secrets == nil {
		return Unverified{}, refuse("no opaque tokens here")
	}
	if known := v.recall(hash); known != nil {
		return Unverified{known: known, digest: hash}, nil
	}
	payload, err := v.lookUp(ctx, kind, hash)
	if fault.Is(err, fault.NotFound) {
		return Unverified{}, fault.New(fault.TokenRefused, err)
	}
	if err != nil {
		return Unverified{}, unavailable(err, time.Second)
	}
	claims, err := jwt.ParseClaims(payload)
	if err != nil {
		return Unverified{}, fault.New(fault.Internal, err)
	}
	return Unverified{stored: claims, digest: hash, lasts: kind == opaque.Revocable}, nil
}

func (v *Verifier) lookUp(ctx context.Context, kind opaque.Kind, hash [sha256.Size]byte) ([]byte, error) {
	if kind == opaque.Access {
		return v.secrets.Opaque(ctx, hash[:])
	}
	r, err := v.secrets.Revocable(ctx, hash[:])
	if err != nil {
		return nil, err
	}
	return v.payload(r)
}

const backdatedBy = 30 // seconds from nbf to iat, as in JWTs of ours

// payload returns the claims that a registered token stands for, which are always the same (RFC 7662 §2.2).
func (v *Verifier) payload(r Registered) ([]byte, error) {
	issued, issuer := r.IssuedAt.Unix(), v.issuer(r.Workspace)
	details := make([]detail, len(r.Permissions))
	for i, p := range r.Permissions {
		details[i] = detail(p)
	}
	subject := WorkloadSubject(r.WorkspaceID, r.ID)
	return json.Marshal(map[string]any{
		"iss": issuer, "sub": subject, "aud": issuer, "iat": issued, "nbf": issued - backdatedBy, "exp": r.ExpiresAt.Unix(), "jti": r.ID,
		"workspace_id": r.WorkspaceID, "workspace": r.Workspace, "root_iat": issued, "depth": 0, "client_id": subject,
		"authorization_details": details, "trusts": []TrustRef{{r.ID, r.Version}},
	})
}

// WorkloadSubject returns the subject of a workload that is registered with a workspace (rule 10).
func WorkloadSubject(workspaceID, workloadID string) string {
	return subjectRoot + workspaceID + "/workload/" + workloadID
}

// verifyStored makes an identity of what the store had for an opaque token: the row is what a signature is elsewhere.
func (v *Verifier) verifyStored(ctx context.Context, tenant Tenant, u Unverified) (Identity, error) {
	if err := checkIssued(tenant, jwt.Header{Type: "at+jwt"}, u.stored, v.now()); err != nil {
		return Identity{}, err
	}
	known, err := ownIdentity(tenant, u, jwt.Key{})
	if err != nil {
		return Identity{}, err
	}
	known.keySource = storedSource
	if u.lasts { // each use begins a chain of its own, so that a token which is a month old may still federate (rule 5)
		known.rootIssuedAt = v.now()
	}
	if err := v.checkParentKeys(ctx, known); err != nil {
		return Identity{}, err
	}
	if !u.lasts {
		v.remember(known)
	}
	return Identity{known}, nil
}
