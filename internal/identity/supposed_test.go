package identity

import (
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestSupposedClaims(t *testing.T) {
	home := Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "acme", Issuer: "https://nsc.example/w/acme"}
	for rule, row := range map[string]struct {
		claims string
		kind   Kind
		code   fault.Code
	}{
		"of another issuer":      {`{"iss":"https://issuer.example","sub":"x","aud":"y"}`, External, ""},
		"of nobody":              {`{}`, External, ""},
		"of our own":             {`{"iss":"https://nsc.example/w/acme","sub":"x","iat":7,"root_iat":7,"depth":0,"trusts":[{"id":"t","version":1}]}`, Own, ""},
		"of our own, but not so": {`{"iss":"https://nsc.example/w/acme","sub":"x"}`, "", fault.TokenRefused},
		"a name twice":           {`{"iss":"a","iss":"b"}`, "", fault.TokenMalformed},
		"no object":              {`7`, "", fault.TokenMalformed},
	} {
		who, err := Suppose(home, []byte(row.claims))
		switch {
		case row.code != "":
			if !fault.Is(err, row.code) {
				t.Errorf("%s: %v", rule, err)
			}
		case err != nil || who.Kind() != row.kind || who.Tenant() != home:
			t.Errorf("%s: %v", rule, err)
		case row.kind == Own && len(who.Trusts()) != 1:
			t.Errorf("%s: rests on %v", rule, who.Trusts())
		}
	}
}
