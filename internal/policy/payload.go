package policy

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/nsc-federation/nsc/internal/identity"
)

const (
	maxToken    = 6 << 10 // bytes (rule 13): proxies refuse headers not much larger
	maxHeader   = 160     // bytes of a compact token's header with its dots
	backdatedBy = 30      // seconds from nbf to iat, for clocks that are behind
)

var errOversize = errors.New("the token would be larger than 6 KB")

// payload is the claims of a token, in the order in which they are written.
type payload struct {
	Issuer       string              `json:"iss"`
	Subject      string              `json:"sub"`
	Audience     string              `json:"aud"`
	IssuedAt     int64               `json:"iat"`
	ExpiresAt    int64               `json:"exp"`
	NotBefore    int64               `json:"nbf"`
	ID           string              `json:"jti"`
	WorkspaceID  string              `json:"workspace_id"`
	Workspace    string              `json:"workspace"`
	RootIssuedAt int64               `json:"root_iat"`
	Depth        int                 `json:"depth"`
	ClientID     string              `json:"client_id,omitempty"`
	Details      []detail            `json:"authorization_details,omitempty"`
	Trusts       []identity.TrustRef `json:"trusts,omitempty"`
	Parents      []string            `json:"parents,omitempty"`
	ParentKeys   []string            `json:"parent_keys,omitempty"`
	Groups       []string            `json:"groups,omitempty"`
	Attributes   map[string]string   `json:"attributes,omitempty"`
	Act          *identity.Act       `json:"act,omitempty"`
	MayAct       *mayAct             `json:"may_act,omitempty"`
}

// mayAct is who may act for the subject (RFC 8693 §4.4). Without details he may use all that the token carries.
type mayAct struct {
	Subject string    `json:"sub"`
	Details *[]detail `json:"authorization_details,omitempty"`
}

// detail is a permission as RFC 9396 §2.2 names its parts.
type detail struct {
	Type       string   `json:"type"`
	Identifier string   `json:"identifier"`
	Actions    []string `json:"actions"`
}

// fix writes the payload. Which kind of token carries what is rule 11: only access tokens name a client (RFC 9068 §2.2
// demands one) and say what they grant, and only those for the issuer say by which trusts and tokens.
func (g *granted) fix(s standing, may *identity.MayAct) error {
	tenant := g.caller.Tenant()
	p := payload{
		Issuer: tenant.Issuer, Subject: g.caller.Subject(), Audience: g.audience,
		IssuedAt: g.issuedAt, ExpiresAt: g.expiresAt, NotBefore: g.issuedAt - backdatedBy, ID: g.id,
		WorkspaceID: tenant.ID, Workspace: tenant.Name, RootIssuedAt: s.rootIssuedAt, Depth: s.depth,
		Groups: s.groups, Attributes: s.attributes, Act: s.act,
	}
	if g.tokenType == AccessToken {
		p.ClientID = g.caller.ClientID()
		if p.ClientID == "" {
			p.ClientID = p.Subject
		}
		p.Details = details(g.permissions)
		if g.audience == tenant.Issuer {
			p.Trusts = g.trusts
			p.Parents, p.ParentKeys = s.parents, s.parentKeys // what cut-off needs (rule 11)
			p.MayAct = mayActOf(may)
		}
	}
	return g.write(p)
}

func (g *granted) write(p payload) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return err
	}
	g.payload = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if maxHeader+(len(g.payload)*4+2)/3+signatureSize(g.algorithm) > maxToken {
		return errOversize
	}
	return nil
}

// signatureSize returns the characters of a signature, RSA keys having 2048 bits.
func signatureSize(algorithm string) int {
	switch algorithm {
	case "ES256", "EdDSA":
		return 86
	case "ES384":
		return 128
	case "ES512":
		return 176
	}
	return 342
}

func details(permissions []identity.Permission) []detail {
	out := make([]detail, len(permissions))
	for i, p := range permissions {
		out[i] = detail{p.ResourceType, p.ResourceID, p.Actions}
	}
	return out
}
