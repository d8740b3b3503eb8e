package identity

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// MaxActor is the longest subject of an actor, in bytes.
const MaxActor = 256

// UpstreamAct returns who acts for the subject of another issuer's token by that issuer's word (RFC 8693 §4.1), each with the
// issuer that knows him; nil for nobody. Whether the word counts is for a trust to say (rule 34), so nothing is read before
// somebody asks. What else is said of an actor is left out: issuer and subject identify him, and the rest of the upstream
// token is no business of those whom ours are shown to (rule 11).
func (i Identity) UpstreamAct() (*Act, error) {
	said, ok := i.v.upstream("act")
	if !ok {
		return nil, nil
	}
	act, err := i.v.readAct(said)
	if err != nil {
		return nil, unreadable("act", err)
	}
	return act, nil
}

// UpstreamMayAct returns who may act for the subject of another issuer's token by that issuer's word (RFC 8693 §4.4); nil for
// nobody. A member beside iss and sub may say that it is not everybody of that name, or not everything: what is not
// understood is refused and not passed over.
func (i Identity) UpstreamMayAct() (*MayAct, error) {
	said, ok := i.v.upstream("may_act")
	if !ok {
		return nil, nil
	}
	actor, err := i.v.readActor(said, func(string, *Act, jwt.Value) error {
		return errors.New("has a member beside iss and sub, which may narrow it in a way that is not understood")
	})
	if err != nil {
		return nil, unreadable("may_act", err)
	}
	return &MayAct{Issuer: actor.Issuer, Subject: actor.Subject}, nil
}

// upstream returns a claim of another issuer's token.
func (v *verified) upstream(name string) (jwt.Value, bool) {
	if v.kind != External {
		return jwt.Value{}, false
	}
	return v.claims.Value(name)
}

// readAct reads an actor, and inside it who acted before.
func (v *verified) readAct(said jwt.Value) (*Act, error) {
	return v.readActor(said, func(name string, actor *Act, said jwt.Value) (err error) {
		if name != "act" {
			return said.Skip()
		}
		actor.Act, err = v.readAct(said)
		return err
	})
}

// readActor reads whom an object names: a subject of the issuer beside it, or else of the token's own. Other members are read
// by other.
func (v *verified) readActor(said jwt.Value, other func(name string, actor *Act, said jwt.Value) error) (*Act, error) {
	actor := &Act{Issuer: v.issuer}
	err := said.Members(func(name string, said jwt.Value) (err error) {
		switch name {
		case "iss":
			actor.Issuer, err = said.Text()
		case "sub":
			actor.Subject, err = said.Text()
		default:
			err = other(name, actor, said)
		}
		return err
	})
	if err == nil {
		err = v.checkActor(actor)
	}
	return actor, err
}

func unreadable(claim string, err error) error {
	if errors.Is(err, jwt.ErrMalformed) {
		return fmt.Errorf("%s is not an object that names somebody: %w", claim, err)
	}
	return fmt.Errorf("%s %w", claim, err)
}

// checkActor refuses a name that is none. Our own subjects are named by our issuer, which names nobody else, and by no other:
// whoever looks at the sub alone would take what that one says for what we know.
func (v *verified) checkActor(a *Act) error {
	switch {
	case a.Issuer == "" || a.Subject == "":
		return errors.New("names somebody without a sub, or with an empty iss")
	case len(a.Issuer) > maxIssuer || len(a.Subject) > MaxActor:
		return fmt.Errorf("names somebody by an iss of more than %d bytes, or a sub of more than %d", maxIssuer, MaxActor)
	case strings.ContainsFunc(a.Issuer+a.Subject, unicode.IsControl):
		return errors.New("names somebody with a control character")
	case a.Issuer == v.tenant.Issuer && !Belongs(a.Subject, v.tenant.ID):
		return errors.New("names a subject of this workspace that is none")
	case a.Issuer != v.tenant.Issuer && Belongs(a.Subject, v.tenant.ID):
		return errors.New("names a subject of this workspace by another issuer")
	}
	return nil
}
