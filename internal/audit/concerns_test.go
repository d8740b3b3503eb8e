package audit

import (
	"testing"

	"github.com/nsc-federation/nsc/internal/identity"
)

func TestWhomAnEventConcerns(t *testing.T) {
	const workspace = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	who := identity.ExternalSubject(workspace, "https://issuer.example", "repo:acme/api")
	up := &Upstream{Issuer: "https://issuer.example", Subject: "repo:acme/api"}
	for rule, row := range map[string]struct {
		event Event
		want  bool
	}{
		"who did it":               {Event{Subject: who}, true},
		"whose token it is":        {Event{Token: &Token{Subject: who}}, true},
		"whose credential it was":  {Event{Upstream: up}, true},
		"who acted":                {Event{Actor: up}, true},
		"who acts in the token":    {Event{Act: []string{"x", who}}, true},
		"who is cut off":           {Event{Details: map[string]string{"value": who}}, true},
		"who is named in a reason": {Event{Reason: "of " + who}, true},
		"another":                  {Event{Subject: who + "x"}, false},
		"the same name of another": {Event{Upstream: &Upstream{Issuer: "https://other.example", Subject: "repo:acme/api"}}, false},
		"nobody":                   {Event{}, false},
	} {
		row.event.WorkspaceID = workspace
		if row.event.Concerns(who) != row.want {
			t.Errorf("%s: %v", rule, !row.want)
		}
	}
}
