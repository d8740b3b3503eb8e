package policy

import (
	"slices"

	"github.com/nsc-federation/nsc/internal/identity"
)

// maxActors bounds the chain of those who act for each other.
const maxActors = 4

// Actor is who wants to act for somebody, with what his own credential is decided by.
type Actor struct {
	Caller identity.Identity
	Trusts *Trusts             // those of his issuer, for an external one
	Live   []identity.TrustRef // the present versions of the trusts behind a token of our own
	CutOff string              // what of him is cut off; "" is nothing

	ActCutOff string // what is cut off of those who act for him by the word of his token's issuer
}

// delegate lets the actor of the request act for the caller (rule 34; RFC 8693 §1.1): with what the caller has, within what
// the caller's token lets him use, until the first of the two ends, and resting on all that either rests on.
func (d *Decision) delegate(s *standing, req Request) bool {
	if req.Actor == nil {
		return true
	}
	actor, ok := d.standOfActor(req)
	if !ok {
		return false
	}
	may, name := s.mayAct, req.Actor.Caller.Subject()
	switch {
	case !may.Names(req.Actor.Caller):
		return d.refuse(ActorRefused, "the subject's token lets "+may.Describe(req.Actor.Caller.Tenant())+" act for it, not "+name)
	case actor.act != nil:
		return d.refuse(ActorRefused, "the actor's token is one of somebody whom he acts for himself")
	case actor.singleUse:
		return d.refuse(ActorRefused, "the actor's token may be used once, which is not recorded of actors")
	case s.act.Len() == maxActors:
		return d.refuse(ChainLimit, "")
	}
	if may.Limited {
		if more := Exceeding(s.permissions, may.Permissions); len(more) > 0 {
			return d.exceeded(ActorRefused, listed(more), s.permissions, typesOf(more)...)
		}
		s.permissions = Union(may.Permissions)
	}
	return d.join(s, actor, name)
}

// standOfActor returns what the actor's own credential is good for.
func (d *Decision) standOfActor(req Request) (standing, bool) {
	a := req.Actor
	if a.Caller.IsZero() {
		return standing{}, d.refuse(NoCaller, "")
	}
	if a.CutOff != "" {
		return standing{}, d.refuse(CutOff, "")
	}
	req.Trust, req.Actor, req.ActCutOff = "", nil, a.ActCutOff // the others are the subject's
	return d.stand(a.Caller, a.Trusts, a.Live, req)
}

// join makes what is issued rest on the actor, too: it ends with him, and is cut off with him.
func (d *Decision) join(s *standing, actor standing, name string) bool {
	s.act = &identity.Act{Subject: name, Act: s.act}
	s.duration, s.most = min(s.duration, actor.duration), min(s.most, actor.most)
	s.trusts = united(s.trusts, actor.trusts)
	s.parents, s.parentKeys = united(s.parents, actor.parents), united(s.parentKeys, actor.parentKeys)
	s.rootIssuedAt, s.depth = min(s.rootIssuedAt, actor.rootIssuedAt), max(s.depth, actor.depth)
	if len(s.parents) > maxParents {
		return d.refuse(ChainLimit, "")
	}
	return true
}

// united returns both lists, each thing once, in a list of its own.
func united[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// mayAct refuses a delegation that makes no sense, or of more than the token carries.
func (d *Decision) mayAct(tenant identity.Tenant, permissions []identity.Permission, req Request) bool {
	may := req.MayAct
	switch {
	case may == nil:
		return true
	case req.TokenType != AccessToken || req.audience(tenant) != tenant.Issuer:
		return d.refuse(RequestRefused, "only an access token for the workspace itself can be delegated: it is the one that is exchanged here")
	case !identity.Belongs(may.Subject, tenant.ID) || len(may.Subject) > identity.MaxActor:
		return d.refuse(RequestRefused, "may_act: sub is the subject of nobody in this workspace; nsc auth whoami shows one's own")
	case !may.Limited:
		return true
	}
	if _, err := CheckPermissions(may.Permissions, "may_act"); err != nil {
		return d.refuse(DetailsRefused, err.Error())
	}
	if more := Exceeding(permissions, may.Permissions); len(more) > 0 {
		return d.exceeded(DetailsRefused, listed(more), permissions, typesOf(more)...)
	}
	return true
}

func mayActOf(may *identity.MayAct) *mayAct {
	if may == nil {
		return nil
	}
	out := &mayAct{Subject: may.Subject}
	if may.Limited {
		list := details(may.Permissions)
		out.Details = &list
	}
	return out
}
