package identity

import (
	"encoding/json"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Act names who acts for the subject of a token at present, and inside it who did before (RFC 8693 §4.1). Whom we know by a
// credential of his own has nsc's subject (rule 10), which needs no issuer beside it; whom another issuer named has that one's.
type Act struct {
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub"`
	Act     *Act   `json:"act,omitempty"`
}

// Name returns the present actor as nsc names him in a workspace (rule 10): cut-offs and the record know him by it.
func (a *Act) Name(tenant Tenant) string {
	if a.ours(tenant) {
		return a.Subject
	}
	return ExternalSubject(tenant.ID, a.Issuer, a.Subject)
}

func (a *Act) ours(tenant Tenant) bool { return a.Issuer == "" || a.Issuer == tenant.Issuer }

// Names returns all actors as nsc names them in a workspace, the present one first. Nil has none.
func (a *Act) Names(tenant Tenant) []string {
	var names []string
	for ; a != nil; a = a.Act {
		names = append(names, a.Name(tenant))
	}
	return names
}

// Len returns how many act. Nil is nobody.
func (a *Act) Len() (n int) {
	for ; a != nil; a = a.Act {
		n++
	}
	return n
}

// Told reports whether another issuer's word stands behind any of them.
func (a *Act) Told() bool {
	return a != nil && (a.Issuer != "" || a.Act.Told())
}

// String returns the claim as it stands in a token.
func (a *Act) String() string {
	text, err := json.Marshal(a)
	if err != nil {
		return "" // texts alone cannot fail
	}
	return string(text)
}

// MayAct names the one who may act for the subject of a token (RFC 8693 §4.4), and what he may use of what it carries.
type MayAct struct {
	Issuer      string `json:",omitempty"` // "" where Subject is nsc's own name of him
	Subject     string
	Limited     bool // to Permissions; otherwise he may use all
	Permissions []Permission
}

// Names reports whether this is who has the credential: that of the issuer and the subject named, byte for byte, or one of our
// own that he got for it, whose subject follows from both (rule 10).
func (m *MayAct) Names(actor Identity) bool {
	named := m.named()
	if actor.Kind() == External && !named.ours(actor.Tenant()) {
		return m.Issuer == actor.Issuer() && m.Subject == actor.ExternalSubject()
	}
	return named.Name(actor.Tenant()) == actor.Subject()
}

func (m *MayAct) named() *Act { return &Act{Issuer: m.Issuer, Subject: m.Subject} }

// Describe returns whom it names: as nsc does in a workspace, by which the record is searched, and for people as his issuer does.
func (m *MayAct) Describe(tenant Tenant) string {
	name := m.named().Name(tenant)
	if m.Issuer == "" {
		return name
	}
	return name + " (" + m.Subject + " of " + m.Issuer + ")"
}

// Act returns who acts for the subject of a credential of our own; nil for nobody.
func (i Identity) Act() *Act { return i.v.act }

// MayAct returns who may act for the subject of a credential of our own; nil for nobody.
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
