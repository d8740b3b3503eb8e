package assertion

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const head = `
workspace: https://nsc.example/w/acme
trusts:
  - name: deploy
    issuer: https://issuer.example
    subject_match: repo:acme/app:*
    condition: claims.env == "prod"
    accept_delegation: true
    mappings: {groups: claims.teams}
    default_token_duration: 15m
    grants:
      - {resource_type: audience, resource_id: vault, actions: [issue]}
      - {resource_type: docker, resource_id: build, actions: ["container:start", "container:stop"]}
  - {id: second, name: other, issuer: 'https://issuer.example', subject_match: 'repo:acme/off', enabled: false, version: 3, managed_by: federation/api, created_at: 2026-01-31T00:00:00Z}
`

const claims = `{iss: 'https://issuer.example', sub: 'repo:acme/app:main', env: prod, teams: [blue]}`

func run(t *testing.T, cases string) Report {
	t.Helper()
	f, err := Parse(strings.NewReader(head + "cases:\n" + cases))
	if err != nil {
		t.Fatal(err)
	}
	offline, err := NewOffline(f)
	if err != nil {
		t.Fatal(err)
	}
	r := Report{File: "policy.yaml", Source: f}
	if err := r.Run(func(c Case) (Outcome, error) { return offline.Decide(c, time.Now()) }); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAssertions(t *testing.T) {
	const grants = `grants: [{resource_type: docker, resource_id: build, actions: ["container:stop", "container:start"]}, {resource_type: audience, resource_id: vault, actions: [issue]}]`
	for rule, row := range map[string]struct {
		want    string
		claims  string
		differs []string
	}{
		"allowed":                     {"allow: {}", claims, nil},
		"by the trust, by its name":   {"allow: {trust: deploy}", claims, nil},
		"with all its grants":         {"allow: {" + grants + "}", claims, nil},
		"with its groups":             {"allow: {groups: ['issuer.example#blue']}", claims, nil},
		"for an audience":             {"allow: {}\n    audience: vault", claims, nil},
		"by another trust":            {"allow: {trust: other}", claims, []string{"want trust other", "got  trust deploy"}},
		"with a grant less":           {"allow: {grants: [{resource_type: audience, resource_id: vault, actions: [issue]}]}", claims, []string{"got  grant docker build: container:start", "got  grant docker build: container:stop"}},
		"with another group":          {"allow: {groups: []}", claims, []string{"got  group issuer.example#blue"}},
		"denied, and should not be":   {"allow: {}", strings.Replace(claims, "prod", "Prod", 1), []string{"want allowed", "got  denied: no_trust", `     trust deploy, condition: expected claims.env == "prod", actual claims.env is "Prod"`}},
		"an audience it may not":      {"deny: {reason: target_refused}\n    audience: other", claims, nil},
		"denied":                      {"deny: {}", strings.Replace(claims, "acme/app", "acme/web", 1), nil},
		"whom it says acts too much":  {"deny: {reason: act_refused}", strings.Replace(claims, "{", "{act: {sub: a, act: {}}, ", 1), nil},
		"denied by its trust's state": {"deny: {reason: no_trust}", strings.Replace(claims, "app:main", "off", 1), nil},
		"denied for another reason":   {"deny: {reason: target_refused}", strings.Replace(claims, "repo", "REPO", 1), []string{"want denied: target_refused", "got  denied: no_trust"}},
		"allowed, and should not be":  {"deny: {}", claims, []string{"want denied", "got  allowed by trust deploy"}},
		"of an issuer nobody trusts":  {"deny: {}", strings.Replace(claims, "https://issuer", "https://evil", 1), nil},
		"for another audience":        {"deny: {}", strings.Replace(claims, "{", "{aud: 'https://evil.example', ", 1), nil},
	} {
		t.Run(rule, func(t *testing.T) {
			got := run(t, fmt.Sprintf("  - name: x\n    claims: %s\n    %s\n", row.claims, row.want)).Results[0]
			if got.Passed != (row.differs == nil) || len(got.Differs) < len(row.differs) || !slices.Equal(got.Differs[:len(row.differs)], row.differs) {
				t.Errorf("%v %q", got.Passed, got.Differs)
			}
		})
	}
}

func TestFilesAreStrict(t *testing.T) {
	good := "cases: [{name: x, claims: {iss: y}, deny: {}}]"
	if _, err := Parse(strings.NewReader(good)); err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{
		"":                                     "no cases",
		"cases: []":                            "no cases",
		good + "\ncase: 1":                     `unknown field "case"`,
		"cases: [{name: x, claims: {iss: y}}]": "needs either allow or deny",
		"cases: [{name: x, claims: {iss: y}, allow: {}, deny: {}}]":       "needs either allow or deny",
		"cases: [{name: x, deny: {}}]":                                    "no claims",
		"cases: [{claims: {iss: y}, deny: {}}]":                           "no name",
		"cases: [{name: x, claims: {iss: y}, deny: {resaon: no_trust}}]":  "resaon",
		"cases: [{name: x, name: y, claims: {iss: y}, deny: {}}]":         "name",
		"cases: [{name: x, claims: {iss: y}, token_type: jwt, deny: {}}]": "token_type",
		"trusts: [{issuer: x}]\n" + good:                                  "no workspace",
		good + "\n---\n" + good:                                           "more than one document",
	} {
		if _, err := Parse(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for trusts, says := range map[string]string{
		"{issuer: 'https://x.example', subject_match: '*'}":                                                                  "subject_match",
		"{issuer: 'https://x.example', subject_match: a, name: n}, {issuer: 'https://x.example', subject_match: b, name: n}": "twice",
	} {
		f, err := Parse(strings.NewReader("workspace: https://nsc.example/w/acme\ntrusts: [" + trusts + "]\n" + good))
		if err == nil {
			_, err = NewOffline(f)
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", trusts, err)
		}
	}
}

func TestJUnit(t *testing.T) {
	r := run(t, "  - {name: good <&>, claims: "+claims+", allow: {}}\n  - {name: bad, claims: "+claims+", deny: {}}\n")
	text, err := JUnit([]Report{r})
	if err != nil {
		t.Fatal(err)
	}
	var read suites
	if err := xml.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	s := read.Suites[0]
	if s.Tests != 2 || s.Failures != 1 || s.Cases[0].Name != "good <&>" || s.Cases[0].Failure != nil || s.Cases[1].Failure.Message != "want denied" {
		t.Errorf("%+v", read)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(head + "cases: [{name: x, claims: " + claims + ", allow: {}}]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		offline, err := NewOffline(file)
		if err != nil {
			return
		}
		for _, c := range file.Cases {
			if o, err := offline.Decide(c, time.Now()); err == nil && o.Granted && len(o.Trusts) == 0 && c.Claims["iss"] != file.Workspace {
				t.Fatalf("granted by no trust: %+v", c)
			}
		}
	})
}
