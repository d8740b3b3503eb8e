// Package grants knows what a grant says: which resources its resource ID stands for, and which actions one action
// includes.
//
// The server decides by it when a token is issued, and a service decides by it when the token is shown: both run this
// code, so that they cannot disagree. It is pure and links nothing but the standard library, because the second of them
// is somebody else's program. Which grants may be written is policy's to judge; here whatever is not understood grants
// nothing.
package grants

import (
	"slices"
	"strings"
)

// The types of resource that grants speak of.
const (
	Workspace  = "workspace"
	Audience   = "audience"
	HTTP       = "http"
	Kubernetes = "kubernetes"
	Docker     = "docker"
	Registry   = "registry"
	Postgres   = "postgres"
)

// The actions on a workspace's nouns, of which each includes the one before.
const (
	Read  = "read"
	Write = "write"
	Admin = "admin"
)

// Everything is the resource ID, or the HTTP method, that stands for all.
const Everything = "*"

// Grant is leave to do some things to the resources of one type that the resource ID stands for (RFC 9396 §2).
type Grant struct {
	ResourceType string
	ResourceID   string
	Actions      []string
}

// Allows reports whether the grant allows one action on one resource, which is named and no pattern. Nobody is allowed what
// is not named in canonical form.
func (g Grant) Allows(resourceType, resourceID, action string) bool {
	return resourceID != "" && Canonical(resourceType, resourceID) && (g.Owns() || g.ResourceType == resourceType && g.Includes(action) && g.Resources().Match(resourceID))
}

// Covers reports whether the grant includes the action on everything that another grant's resource ID stands for.
func (g Grant) Covers(resourceType string, resources Pattern, action string) bool {
	return Canonical(resourceType, resources.text) &&
		(g.Owns() || g.ResourceType == resourceType && g.Includes(action) && g.Resources().Contains(resources))
}

// Owns reports whether the grant is that of a workspace's administrator, which includes every other (rule 4).
func (g Grant) Owns() bool {
	return g.ResourceType == Workspace && g.ResourceID == Everything && slices.Contains(g.Actions, Admin)
}

// Includes reports whether the grant's actions include the action:
//
//   - On a workspace's nouns admin includes write and write includes read.
//   - On http the action * is every method.
//   - Every other action includes itself alone.
func (g Grant) Includes(action string) bool {
	if slices.Contains(g.Actions, action) {
		return true
	}
	switch {
	case g.ResourceType == Workspace && action == Read:
		return slices.Contains(g.Actions, Write) || slices.Contains(g.Actions, Admin)
	case g.ResourceType == Workspace && action == Write:
		return slices.Contains(g.Actions, Admin)
	}
	return g.ResourceType == HTTP && slices.Contains(g.Actions, Everything)
}

// Resources returns the pattern that the grant's resource ID is. What does not compile stands for its own text.
func (g Grant) Resources() Pattern {
	patterned := Patterned(g.ResourceType)
	if g.ResourceID == Everything && (patterned || g.ResourceType == Workspace) {
		return Pattern{text: g.ResourceID, all: true}
	}
	if patterned && strings.Contains(g.ResourceID, "*") {
		if p, err := Compile(g.ResourceID); err == nil {
			return p
		}
	}
	return Pattern{text: g.ResourceID}
}

// Patterned reports whether the resource IDs of a type are patterns.
func Patterned(resourceType string) bool {
	return resourceType == Audience || resourceType == HTTP || resourceType == Registry
}
