package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
)

const (
	maxGrants  = 64
	maxActions = 64
)

// CheckPermissions judges grants as they are written: known types, the form of resource IDs, known actions, no two
// grants about one resource. The error is a *FieldError below the given field; the warnings are for the writer.
func CheckPermissions(permissions []identity.Permission, field string) ([]string, error) {
	if len(permissions) > maxGrants {
		return nil, wrong(field, "has more than %d grants; merge them or use a pattern", maxGrants)
	}
	var warnings []string
	seen := map[[2]string]bool{}
	for i, p := range permissions {
		at := fmt.Sprintf("%s[%d]", field, i)
		warning, problem := checkPermission(p, at)
		if problem != nil {
			return nil, problem
		}
		if warning != "" {
			warnings = append(warnings, fmt.Sprintf("%s.resource_id: %q %s", at, p.ResourceID, warning))
		}
		key := [2]string{p.ResourceType, p.ResourceID}
		if seen[key] {
			return nil, wrong(at, "is a second grant on %s %q; list all its actions in one", p.ResourceType, p.ResourceID)
		}
		seen[key] = true
	}
	return warnings, nil
}

func checkPermission(p identity.Permission, at string) (string, *FieldError) {
	r, ok := resources[p.ResourceType]
	if !ok {
		return "", wrong(at+".resource_type", "%q is not known; use one of %s", p.ResourceType,
			strings.Join(slices.Sorted(maps.Keys(resources)), ", "))
	}
	if p.ResourceID == "" {
		return "", wrong(at+".resource_id", "is empty; name the resource")
	}
	if problem := checkText(p.ResourceID, maxPattern); problem != "" {
		return "", wrong(at+".resource_id", "%s", problem)
	}
	warning, problem := r.id(p.ResourceID)
	if problem != "" {
		return "", wrong(at+".resource_id", "%q %s", p.ResourceID, problem)
	}
	return warning, checkActions(p, r, at+".actions")
}

func checkActions(p identity.Permission, r resource, at string) *FieldError {
	if len(p.Actions) == 0 || len(p.Actions) > maxActions {
		return wrong(at, "has %d actions; name 1 to %d of: %s", len(p.Actions), maxActions, r.actions)
	}
	for i, action := range p.Actions {
		if checkText(action, maxAction) != "" || !r.action(action) {
			return wrong(fmt.Sprintf("%s[%d]", at, i), "%q is not an action on %s; there are: %s", action, p.ResourceType, r.actions)
		}
	}
	return nil
}

// Union returns what all of them give together: one permission per resource, sorted, its actions sorted and each once.
// It does not change what it is given.
func Union(sets ...[]identity.Permission) []identity.Permission {
	actions := map[[2]string][]string{}
	for _, set := range sets {
		for _, p := range set {
			key := [2]string{p.ResourceType, p.ResourceID}
			actions[key] = append(actions[key], p.Actions...)
		}
	}
	out := make([]identity.Permission, 0, len(actions))
	for key, list := range actions {
		slices.Sort(list)
		out = append(out, identity.Permission{ResourceType: key[0], ResourceID: key[1], Actions: slices.Compact(list)})
	}
	slices.SortFunc(out, comparePermissions)
	return out
}

func comparePermissions(a, b identity.Permission) int {
	if c := strings.Compare(a.ResourceType, b.ResourceType); c != 0 {
		return c
	}
	return strings.Compare(a.ResourceID, b.ResourceID)
}
