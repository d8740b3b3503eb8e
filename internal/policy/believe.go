package policy

import (
	"fmt"
	"slices"

	"github.com/nsc-federation/nsc/internal/identity"
)

// believe takes over what the token's issuer says of who acts for its subject and who may, where a trust that contributes
// accepts it (rule 34; RFC 8693 §4.1, §4.4). Where none does, nothing of it is even read.
func (d *Decision) believe(s *standing, caller Claimant, matched []*Compiled, req Request) bool {
	if !slices.ContainsFunc(matched, (*Compiled).believes) {
		return true
	}
	act, err := chain(caller)
	switch {
	case err != nil:
		return d.refuse(ActRefused, err.Error())
	case act != nil && req.ActCutOff != "":
		return d.refuse(CutOff, "the "+req.ActCutOff+" of one who acts for the token's subject is cut off")
	}
	s.act = act
	if req.Actor == nil {
		return true
	}
	if s.mayAct, err = caller.UpstreamMayAct(); err != nil {
		return d.refuse(ActorRefused, err.Error())
	}
	return true
}

// chain returns who acts for a token's subject by its issuer's word.
func chain(caller Claimant) (*identity.Act, error) {
	act, err := caller.UpstreamAct()
	if err == nil && act.Len() > maxActors {
		return nil, fmt.Errorf("act names %d actors, and a chain has %d at most", act.Len(), maxActors)
	}
	return act, err
}

func (c *Compiled) believes() bool { return c.believed }

// lends reports whether the trust's grants may go to the actor of a request. That the issuer says who may act is not enough
// where the trust does not say that its word counts: it would give away what was granted to its subjects alone.
func (c *Compiled) lends(req Request) bool { return req.Actor == nil || c.believed }
