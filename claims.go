package nsc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nsc-federation/nsc/internal/grants"
	"github.com/nsc-federation/nsc/internal/jwt"
)

// Claims is what a verified token says. The zero value is nobody, who may do nothing.
type Claims struct {
	Issuer      string
	Subject     string // the caller's name for ever: workspace/<ID>/user/<ID>, …/external/<issuer>/<subject>, …
	Audience    string
	ID          string // of the token; the workspace's record has how it came about under it
	WorkspaceID string // 26 characters of base32
	Workspace   string // its name
	ClientID    string // of access tokens
	IssuedAt    time.Time
	ExpiresAt   time.Time

	more *details // nil for nobody
}

// details are shared by all copies of Claims, and handed out as copies. They are read when they are first asked for:
// most services want to know who the caller is, and no more.
type details struct {
	all *jwt.Claims

	once       sync.Once
	grants     []grants.Grant
	groups     []string
	attributes map[string]string
}

// Grant is leave to do some things to the resources of one type: those that the ID names, in which * stands for what
// the type allows it to.
type Grant struct {
	ResourceType string
	ResourceID   string
	Actions      []string
}

// Allows reports whether the token's grants allow an action on a resource, such as "http",
// "your-service.example.com/api/resource", "get". The resource is named: it is no pattern. ID tokens carry no grants, so
// that it is always false for them; see [AccessTokens]. Of access tokens it is what the caller named when he asked for it.
//
// Name the resource as your service understands it: a path that was cleaned and decoded, as [http.ServeMux] hands it on in
// URL.Path. In the types http and registry an ID that is not in canonical form (with a segment that is empty, "." or "..",
// percent-encoded or not) is never allowed, whatever the grant: which resource it means would depend on who reads it.
func (c Claims) Allows(resourceType, resourceID, action string) bool {
	return slices.ContainsFunc(c.details().grants, func(g grants.Grant) bool {
		return g.Allows(resourceType, resourceID, action)
	})
}

// Grants returns the grants of an access token.
func (c Claims) Grants() []Grant {
	var out []Grant
	for _, g := range c.details().grants {
		out = append(out, Grant{g.ResourceType, g.ResourceID, slices.Clone(g.Actions)})
	}
	return out
}

// Groups returns the groups that the workspace says the caller is in.
func (c Claims) Groups() []string { return slices.Clone(c.details().groups) }

// InGroup reports whether the caller is in a group.
func (c Claims) InGroup(group string) bool { return slices.Contains(c.details().groups, group) }

// Attributes returns what else the workspace says of the caller.
func (c Claims) Attributes() map[string]string { return maps.Clone(c.details().attributes) }

// Decode decodes any claim of the token as [json.Unmarshal] does, and reports whether the token has it.
func (c Claims) Decode(name string, into any) (bool, error) {
	if c.more == nil {
		return false, nil
	}
	raw, ok := c.more.all.Raw(name)
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return true, fmt.Errorf("nsc: claim %s: %w", name, err)
	}
	return true, nil
}

// readClaims reads the claims of a token that was verified.
func readClaims(c *jwt.Claims) Claims {
	claims := Claims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience[0], ID: c.ID,
		IssuedAt: time.Unix(c.IssuedAt, 0), ExpiresAt: time.Unix(c.ExpiresAt, 0),
		more: &details{all: c},
	}
	claims.WorkspaceID, _ = c.Text("workspace_id")
	claims.Workspace, _ = c.Text("workspace")
	claims.ClientID, _ = c.Text("client_id")
	return claims
}

// details returns the rest of what the token says. What does not have the form that nsc gives it counts as absent.
func (c Claims) details() *details {
	if c.more == nil {
		return &details{}
	}
	c.more.once.Do(func() {
		c.more.grants = readGrants(c)
		if _, err := c.Decode("groups", &c.more.groups); err != nil {
			c.more.groups = nil
		}
		if _, err := c.Decode("attributes", &c.more.attributes); err != nil {
			c.more.attributes = nil
		}
	})
	return c.more
}

// readGrants reads authorization_details (RFC 9396 §2).
func readGrants(c Claims) []grants.Grant {
	var entries []grant
	if _, err := c.Decode("authorization_details", &entries); err != nil {
		return nil
	}
	var out []grants.Grant
	for _, g := range entries {
		if !g.strange {
			out = append(out, g.Grant)
		}
	}
	return out
}

// grant is an entry of authorization_details. One with a member that is not known here is strange: what is not understood
// may narrow what the rest grants, so the whole of it grants nothing.
type grant struct {
	grants.Grant
	strange bool
}

// UnmarshalJSON reads names as they are written: encoding/json by itself would let TYPE stand in for type.
func (g *grant) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name, value := range members {
		var err error
		switch name {
		case "type":
			err = json.Unmarshal(value, &g.ResourceType)
		case "identifier":
			err = json.Unmarshal(value, &g.ResourceID)
		case "actions":
			err = json.Unmarshal(value, &g.Actions)
		default:
			g.strange = true
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
