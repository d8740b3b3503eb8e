package web

import "github.com/nsc-federation/nsc/internal/identity"

// grantBody is a grant as the API shows and takes it.
type grantBody struct {
	ResourceType string   `json:"resource_type" doc:"Kind of resource: workspace, audience, http, kubernetes, docker, registry or postgres" example:"audience"`
	ResourceID   string   `json:"resource_id" doc:"Which resources of the kind; what a pattern may look like depends on the kind" example:"https://api.example.com"`
	Actions      []string `json:"actions" nullable:"false" doc:"What may be done; the words depend on the kind" example:"[\"issue\"]"`
}

func newGrants(permissions []identity.Permission) []grantBody {
	grants := make([]grantBody, len(permissions))
	for i, p := range permissions {
		grants[i] = grantBody(p)
	}
	return grants
}

func permissionsOf(grants []grantBody) []identity.Permission {
	permissions := make([]identity.Permission, len(grants))
	for i, g := range grants {
		permissions[i] = identity.Permission(g)
	}
	return permissions
}
