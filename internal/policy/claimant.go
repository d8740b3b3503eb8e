package policy

import (
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Claimant is whom a decision is about: an Identity, or what claims amount to that nobody vouches for, where a decision is
// only explained or simulated. Decide takes an Identity alone.
type Claimant interface {
	Tenant() identity.Tenant
	Kind() identity.Kind
	Issuer() string
	Audience() []string
	Subject() string
	ExternalSubject() string
	TokenID() string
	IssuedAt() time.Time
	ExpiresAt() time.Time
	Claims() (map[string]any, error)

	// Of tokens of nsc issuers.
	Federated() bool
	RootIssuedAt() time.Time
	Depth() int

	// Of tokens of our own.
	Permissions() []identity.Permission
	Trusts() []identity.TrustRef
	Groups() []string
	Attributes() map[string]string
	Parents() []string
	ParentKeys() []string
	KeyID() string
	Act() *identity.Act
	MayAct() *identity.MayAct

	// Of tokens of other issuers, by their word (rule 34).
	UpstreamAct() (*identity.Act, error)
	UpstreamMayAct() (*identity.MayAct, error)
}

// The two there are.
var _, _ Claimant = identity.Identity{}, identity.Supposed{}
