package policy

import (
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Covers reports whether whoever has the first may give away the second (rule 4): every resource that it matches, with
// every action, by one grant of the first each.
//
//   - workspace * admin covers everything.
//   - On a workspace's nouns admin includes write and write includes read; * is every noun.
//   - On http the action * is every method.
//   - Every other action covers itself alone.
func Covers(have []identity.Permission, want identity.Permission) bool {
	if len(want.Actions) == 0 {
		return false
	}
	resource := resourcePattern(want.ResourceType, want.ResourceID)
	for _, action := range want.Actions {
		if !slices.ContainsFunc(have, func(h identity.Permission) bool {
			return owns(h) || h.ResourceType == want.ResourceType && includes(h, action) &&
				resourcePattern(h.ResourceType, h.ResourceID).contains(resource)
		}) {
			return false
		}
	}
	return true
}

// Exceeding returns those of the wanted permissions that the others do not cover.
func Exceeding(have, want []identity.Permission) []identity.Permission {
	var out []identity.Permission
	for _, w := range want {
		if !Covers(have, w) {
			out = append(out, w)
		}
	}
	return out
}

// Allows reports whether the permissions allow one action on one resource, which is named and no pattern.
func Allows(have []identity.Permission, resourceType, resourceID, action string) bool {
	return resourceID != "" && slices.ContainsFunc(have, func(h identity.Permission) bool {
		return owns(h) || h.ResourceType == resourceType && includes(h, action) &&
			resourcePattern(h.ResourceType, h.ResourceID).Match(resourceID)
	})
}

// owns reports whether the permission is that of a workspace's administrator (rule 4).
func owns(p identity.Permission) bool {
	return p.ResourceType == Workspace && p.ResourceID == everything && slices.Contains(p.Actions, Admin)
}

// includes reports whether the permission's actions include the action.
func includes(p identity.Permission, action string) bool {
	if slices.Contains(p.Actions, action) {
		return true
	}
	switch {
	case p.ResourceType == Workspace && action == Read:
		return slices.Contains(p.Actions, Write) || slices.Contains(p.Actions, Admin)
	case p.ResourceType == Workspace && action == Write:
		return slices.Contains(p.Actions, Admin)
	}
	return p.ResourceType == HTTP && slices.Contains(p.Actions, everything)
}

// resourcePattern returns the pattern that a resource ID of the type is. What does not compile stands for its own text.
func resourcePattern(resourceType, id string) Pattern {
	patterned := resources[resourceType].patterned
	if id == everything && (patterned || resourceType == Workspace) {
		return Pattern{text: id, all: true}
	}
	if patterned && strings.Contains(id, "*") {
		if p, err := compilePattern(id); err == nil {
			return p
		}
	}
	return Pattern{text: id}
}

// narrowTo returns the part of the permissions that the scopes name, each "type:action" (rule 32: scope only narrows),
// and false where a scope names nothing of what is held.
func narrowTo(have []identity.Permission, scopes []string) ([]identity.Permission, bool) {
	var out []identity.Permission
	for _, scope := range scopes {
		resourceType, action, ok := strings.Cut(scope, ":")
		part := namedBy(have, resourceType, action)
		if !ok || len(part) == 0 {
			return nil, false
		}
		out = append(out, part...)
	}
	return Union(out), true
}

// namedBy returns the held permissions of the type, reduced to the action. An administrator of the workspace holds the
// action on everything, as far as one resource ID can say so.
func namedBy(have []identity.Permission, resourceType, action string) []identity.Permission {
	r, ok := resources[resourceType]
	if !ok || !r.action(action) {
		return nil
	}
	var out []identity.Permission
	for _, h := range have {
		part := identity.Permission{ResourceType: resourceType, ResourceID: h.ResourceID, Actions: []string{action}}
		switch {
		case h.ResourceType == resourceType && includes(h, action):
			out = append(out, part)
		case owns(h) && r.patterned:
			part.ResourceID = everything
			out = append(out, part)
		}
	}
	return out
}
