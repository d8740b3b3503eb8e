package clouds

import (
	"fmt"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
)

// A googleProvider is an OIDC provider of a workload identity pool.
type googleProvider struct {
	*relyingParty
	name      string // projects/…/providers/…
	audiences []string
	subject   *expression // what google.subject is mapped to
	condition *expression // nil is none
}

// newGoogleProvider makes one as gcloud's create-oidc does.
func newGoogleProvider(t *testing.T, r *reader, c command) *googleProvider {
	t.Helper()
	p := &googleProvider{
		relyingParty: newRelyingParty(t, r.lab.server.client, c.flag("issuer-uri"), "RS256", "ES256"),
		name: fmt.Sprintf("projects/%s/locations/%s/workloadIdentityPools/%s/providers/%s",
			googleNumber, c.flag("location"), c.flag("workload-identity-pool"), c[5]),
	}
	p.audiences = []string{googleAPI + p.name, "https:" + googleAPI + p.name}
	if allowed := c.flag("allowed-audiences"); allowed != "" {
		p.audiences = strings.Split(allowed, ",")
	}
	target, mapped, _ := strings.Cut(c.flag("attribute-mapping"), "=")
	if target != "google.subject" {
		t.Fatalf("the provider maps %s", target)
	}
	p.subject = compile(t, mapped)
	if condition := c.flag("attribute-condition"); condition != "" {
		p.condition = compile(t, condition)
	}
	return p
}

// An expression is CEL over the token's claims, which Google calls assertion.
type expression struct{ program cel.Program }

func compile(t *testing.T, text string) *expression {
	t.Helper()
	env, err := cel.NewEnv(cel.Variable("assertion", cel.MapType(cel.StringType, cel.DynType)))
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", text, issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	return &expression{program}
}

// value returns what the expression is for the claims, nil where it has no value.
func (e *expression) value(assertion map[string]any) any {
	value, _, err := e.program.Eval(map[string]any{"assertion": assertion})
	if err != nil {
		return nil
	}
	return value.Value()
}
