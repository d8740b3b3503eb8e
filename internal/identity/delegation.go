package identity

import (
	"github.com/nsc-federation/nsc/internal/jwt"
)

// Act names who acts for the subject of a token at present, and inside it who did before (RFC 8693 §4.1). Subjects are
// nsc's (rule 10), so they need no issuer beside them.
type Act struct {
	Subject string `json:"sub"`
	Act     *Act   `json:"act,omitempty"`
}

// Subjects returns the actors, the present one first. Nil has none.
func (a *Act) Subjects() []string {
	var subjects []string
	for ; a != nil; a = a.Act {
		subjects = append(subjects, a.Subject)
	}
	return subjects
}

// MayAct names the one who may act for the subject of a token (RFC 8693 §4.4), and what he may use of what it carries.
type MayAct struct {
	Subject     string
	Limited     bool // to Permissions; otherwise he may use all
	Permissions []Permission
}

// Act returns who acts for the subject of a credential of our own; nil for nobody. What tokens of other issuers say of it is
// ignored (rule 34).
func (i Identity) Act() *Act { return i.v.act }

// MayAct returns who may act for the subject of a credential of our own; nil for nobody. What tokens of other issuers say of
// it is ignored (rule 34).
func (i Identity) MayAct() *MayAct { return i.v.mayAct }

// mayAct is a MayAct as it is written in a token of ours.
type mayAct struct {
	Subject string    `json:"sub"`
	Details *[]detail `json:"authorization_details,omitempty"`
}

// delegation reads what a token of ours says of who acts and who may.
func (v *verified) delegation(c *jwt.Claims) error {
	if err := decode(c, "act", &v.act); err != nil {
		return err
	}
	var may *mayAct
	if err := decode(c, "may_act", &may); err != nil || may == nil {
		return err
	}
	v.mayAct = &MayAct{Subject: may.Subject}
	if may.Details != nil {
		v.mayAct.Limited, v.mayAct.Permissions = true, permissions(*may.Details)
	}
	return nil
}

func permissions(details []detail) []Permission {
	list := make([]Permission, len(details))
	for i, d := range details {
		list[i] = Permission(d)
	}
	return list
}
