package policy

import (
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Lifetimes of ID tokens (rule 13).
const (
	idTokenDuration    = 5 * time.Minute
	idTokenMaxDuration = time.Hour
)

// standing is what a caller has, before it is narrowed to what he asks for.
type standing struct {
	permissions    []identity.Permission
	trusts         []identity.TrustRef
	hasGroups      bool
	groups         []string
	attributes     map[string]string
	rootIssuedAt   int64 // seconds
	depth          int
	duration, most time.Duration // of an access token: by default and at most
	singleUse      bool
	parents        []string // jti of the tokens of ours behind this one, the first one first
	parentKeys     []string // IDs of the keys that signed them
	act            *identity.Act
	mayAct         *identity.MayAct
}

// Decide answers one request. For a caller with a token of another issuer, trusts are those of the caller's workspace
// in that issuer. For one with a token of our own, live are the present versions of the trusts that his token names:
// what is removed or disabled is not among them.
//
// The rules it keeps: audience is the boundary (1, 2); derived tokens are a subset and end no later (5); all matching
// trusts contribute, and one dead contributor kills (20).
func Decide(caller identity.Identity, trusts *Trusts, live []identity.TrustRef, req Request) Decision {
	var d Decision
	if caller.IsZero() {
		d.refuse(NoCaller, "")
		return d
	}
	if req.CutOff != "" {
		d.refuse(CutOff, "")
		return d
	}
	if problem := req.problem(); problem != "" {
		d.refuse(RequestRefused, problem)
		return d
	}
	if s, ok := d.stand(caller, trusts, live, req); ok && d.delegate(&s, req) {
		d.issue(caller, s, req)
	}
	return d
}

func (d *Decision) stand(caller Claimant, trusts *Trusts, live []identity.TrustRef, req Request) (
	standing, bool,
) {
	s, ok := standing{}, false
	switch caller.Kind() {
	case identity.External:
		s, ok = d.federate(caller, trusts, req)
	case identity.Own, identity.Local:
		s, ok = d.derive(caller, live, req)
	default:
		d.refuse(NoCaller, "")
	}
	if ok && req.Actor != nil && s.mayAct == nil {
		ok = d.refuse(ActorRefused, "the subject's token lets nobody act for it")
	}
	return s, ok
}

// issue narrows a standing to what is asked for and makes the Grant.
func (d *Decision) issue(caller identity.Identity, s standing, req Request) bool {
	tenant := caller.Tenant()
	permissions, ok := d.entitle(tenant, s, req)
	if !ok {
		return false
	}
	audience := req.audience(tenant)
	issued := req.Now.Unix()
	expires := issued + int64(s.lifetime(req)/time.Second)
	if expires <= issued {
		return d.refuse(Ended, "")
	}
	g := &granted{
		id: req.ID, generation: req.Generation, caller: caller, tokenType: req.TokenType, algorithm: req.algorithm(),
		audience: audience, issuedAt: issued, expiresAt: expires, trusts: s.trusts, singleUse: s.singleUse, act: s.act,
	}
	if req.Actor != nil {
		g.actor = req.Actor.Caller
	}
	if req.carries(tenant) {
		g.permissions = permissions
	}
	if err := g.fix(s, req.MayAct); err != nil {
		return d.refuse(Oversize, "")
	}
	d.grant = Grant{g}
	return true
}

// entitle returns what of a standing is asked for. Asking for another audience than the issuer's needs a grant (rule 2).
func (d *Decision) entitle(tenant identity.Tenant, s standing, req Request) ([]identity.Permission, bool) {
	audience := req.audience(tenant)
	if audience != tenant.Issuer && !Allows(s.permissions, Audience, audience, Issue) {
		return nil, d.exceeded(TargetRefused, "audience "+audience+": "+Issue, s.permissions, Audience)
	}
	permissions, ok := d.narrow(s.permissions, req)
	return permissions, ok && d.mayAct(tenant, permissions, req)
}

// narrow returns the part of the permissions that is asked for. Asking for more than there is refuses the request.
func (d *Decision) narrow(have []identity.Permission, req Request) ([]identity.Permission, bool) {
	if req.HasDetails {
		if _, err := CheckPermissions(req.Details, "authorization_details"); err != nil {
			return nil, d.refuse(DetailsRefused, err.Error())
		}
		if more := Exceeding(have, req.Details); len(more) > 0 {
			return nil, d.exceeded(DetailsRefused, listed(more), have, typesOf(more)...)
		}
		have = Union(req.Details)
	}
	if len(req.Scope) == 0 {
		return have, true
	}
	narrowed, lacking, ok := narrowTo(have, req.Scope)
	if !ok {
		resourceType, _, _ := strings.Cut(lacking, ":")
		return nil, d.exceeded(ScopeRefused, "scope "+lacking, have, resourceType)
	}
	return narrowed, true
}

func typesOf(permissions []identity.Permission) []string {
	types := make([]string, len(permissions))
	for i, p := range permissions {
		types[i] = p.ResourceType
	}
	return types
}

// lifetime returns how long the token may last.
func (s standing) lifetime(req Request) time.Duration {
	duration, most := s.duration, s.most
	if req.TokenType == IDToken { // rule 13
		most = min(idTokenMaxDuration, most)
		duration = min(idTokenDuration, duration)
		if req.forAzure() { // its SDKs keep what they read from a file for longer than five minutes
			duration = most
		}
	}
	if req.Lifetime > 0 {
		duration = req.Lifetime
	}
	return min(duration, most)
}
