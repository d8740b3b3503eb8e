package refusal

import (
	"testing"

	"github.com/nsc-federation/nsc/internal/identity"
)

func TestWhomARefusalConcerns(t *testing.T) {
	const workspace, issuer = "aaaaaaaaaaaaaaaaaaaaaaaaaa", "https://issuer.example"
	who := identity.ExternalSubject(workspace, issuer, "agent:one")
	for rule, row := range map[string]struct {
		claims string
		want   bool
	}{
		"whose token it is":                    {`{"iss":"https://issuer.example","sub":"agent:one"}`, true},
		"whose it is, beside an act of no use": {`{"iss":"https://issuer.example","sub":"agent:one","act":7}`, true},
		"who acts for him":                     {`{"iss":"https://issuer.example","sub":"x","act":{"sub":"agent:one"}}`, true},
		"who acts for him by his issuer":       {`{"iss":"https://other.example","sub":"x","act":{"iss":"https://issuer.example","sub":"agent:one"}}`, true},
		"who acted before":                     {`{"iss":"https://issuer.example","sub":"x","act":{"iss":"https://other.example","sub":"y","act":{"sub":"agent:one"}}}`, true},
		"who may act":                          {`{"iss":"https://issuer.example","sub":"x","may_act":{"sub":"agent:one"}}`, true},
		"who is named as we name him":          {`{"iss":"https://issuer.example","sub":"x","y":"` + who + `"}`, true},
		"the same name of another issuer":      {`{"iss":"https://issuer.example","sub":"x","act":{"iss":"https://other.example","sub":"agent:one"}}`, false},
		"another":                              {`{"iss":"https://issuer.example","sub":"x","act":{"sub":"agent:two"}}`, false},
		"nobody":                               {``, false},
	} {
		if r := (Refusal{WorkspaceID: workspace, Claims: row.claims}); r.Concerns(who) != row.want {
			t.Errorf("%s: %v", rule, !row.want)
		}
	}
}
