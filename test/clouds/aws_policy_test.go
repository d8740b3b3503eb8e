package clouds

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// A trustPolicy is a role's, as far as the guide needs the language.
type trustPolicy struct {
	Version   string
	Statement []struct {
		Effect    string
		Principal struct{ Federated string }
		Action    string
		Condition map[string]map[string]string // operator, key, value
	}
}

// allows evaluates the policy for a token of a provider. An operator that it does not know admits nothing.
func (p trustPolicy) allows(providerARN string, c claims) bool {
	_, provider, _ := strings.Cut(providerARN, "oidc-provider/")
	present := map[string]string{provider + ":aud": c.Audience, provider + ":sub": c.Subject}
	for _, s := range p.Statement {
		allowed := s.Effect == "Allow" && s.Action == "sts:AssumeRoleWithWebIdentity" && s.Principal.Federated == providerARN
		for operator, conditions := range s.Condition {
			for key, value := range conditions {
				actual, ok := present[key]
				allowed = allowed && operator == "StringEquals" && ok && actual == value
			}
		}
		if allowed {
			return true
		}
	}
	return false
}

func readTrustPolicy(t *testing.T, path string) trustPolicy {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 2048 {
		t.Errorf("the trust policy has %d characters; IAM takes 2048", len(text))
	}
	var p trustPolicy
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}
