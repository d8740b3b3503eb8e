package policy

import (
	"maps"
	"slices"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Compiled is a trust relationship ready to decide with. It is immutable and shared between requests.
type Compiled struct {
	ref         identity.TrustRef
	workspaceID string
	issuer      string
	enabled     bool

	subject     Pattern
	audience    Pattern
	ours        bool // the audience is the workspace's issuer itself
	condition   string
	mappings    []mapping
	groupPrefix string

	grants         []identity.Permission // as Union leaves them
	duration, most time.Duration
	maxLifetime    time.Duration
	singleUse      bool
	believed       bool // what the issuer says of who acts and who may
}

// Compile prepares a trust that was checked when it was written. It costs little: conditions and mappings are compiled
// at their first use, by their text. The error is a *FieldError.
func Compile(t Trust, tenant identity.Tenant) (*Compiled, error) {
	if err := checkOwnership(t, tenant); err != nil {
		return nil, err
	}
	subject, _, err := CompileSubject(t.SubjectMatch)
	if err != nil {
		return nil, wrong("subject_match", "%s", err)
	}
	audience, err := expectedAudience(t, tenant)
	if err != nil {
		return nil, wrong("audience", "%s", err)
	}
	c := &Compiled{
		ref:         identity.TrustRef{ID: t.ID, Version: t.Version},
		workspaceID: tenant.ID, issuer: t.Issuer, enabled: t.Enabled,
		subject: subject, audience: audience, ours: audience.Text() == tenant.Issuer,
		condition: t.Condition, groupPrefix: groupPrefix(t.Issuer),
		grants: Union(t.Grants), duration: t.DefaultDuration, most: t.MaxDuration,
		maxLifetime: t.MaxLifetime, singleUse: t.SingleUse, believed: t.AcceptDelegation,
	}
	for _, target := range slices.Sorted(maps.Keys(t.Mappings)) {
		c.mappings = append(c.mappings, mapping{target, t.Mappings[target]})
	}
	return c, nil
}

// Ref returns the trust's ID and version.
func (c *Compiled) Ref() identity.TrustRef { return c.ref }

// Issuer returns the issuer whose tokens the trust admits.
func (c *Compiled) Issuer() string { return c.issuer }

// Enabled reports whether the trust admits anything at present.
func (c *Compiled) Enabled() bool { return c.enabled }

func checkOwnership(t Trust, tenant identity.Tenant) error {
	switch {
	case tenant.ID == "" || tenant.Issuer == "" || t.WorkspaceID != tenant.ID:
		return wrong("workspace_id", "is not that of workspace %q", tenant.Name)
	case t.Issuer == "":
		return wrong("issuer", "is empty; write the iss of the tokens, byte for byte")
	case t.Issuer == tenant.Issuer: // rule 5
		return wrong("issuer", "is the workspace's own; its tokens are accepted without a trust, and never widened")
	}
	return nil
}

// expectedAudience returns the pattern for the audience; the default is exactly the workspace's issuer.
func expectedAudience(t Trust, tenant identity.Tenant) (Pattern, error) {
	if t.Audience == "" {
		return CompileAudience(tenant.Issuer)
	}
	return CompileAudience(t.Audience)
}
