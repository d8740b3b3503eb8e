package policy

import (
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/grants"
	"github.com/nsc-federation/nsc/internal/identity"
)

// Covers reports whether whoever has the first may give away the second (rule 4): every resource that it matches, with
// every action, by one grant of the first each.
func Covers(have []identity.Permission, want identity.Permission) bool {
	if len(want.Actions) == 0 {
		return false
	}
	wanted := grants.Grant(want).Resources()
	for _, action := range want.Actions {
		if !slices.ContainsFunc(have, func(h identity.Permission) bool {
			return grants.Grant(h).Covers(want.ResourceType, wanted, action)
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
	return slices.ContainsFunc(have, func(h identity.Permission) bool {
		return grants.Grant(h).Allows(resourceType, resourceID, action)
	})
}

// narrowTo returns the part of the permissions that the scopes name, each "type:action" (rule 32: scope only narrows),
// or the first scope that names nothing of what is held.
func narrowTo(have []identity.Permission, scopes []string) (narrowed []identity.Permission, lacking string, ok bool) {
	var out []identity.Permission
	for _, scope := range scopes {
		resourceType, action, ok := strings.Cut(scope, ":")
		part := namedBy(have, resourceType, action)
		if !ok || len(part) == 0 {
			return nil, scope, false
		}
		out = append(out, part...)
	}
	return Union(out), "", true
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
		case h.ResourceType == resourceType && grants.Grant(h).Includes(action):
			out = append(out, part)
		case grants.Grant(h).Owns() && grants.Patterned(resourceType):
			part.ResourceID = everything
			out = append(out, part)
		}
	}
	return out
}
