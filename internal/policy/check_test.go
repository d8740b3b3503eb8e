package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

const (
	gitHub = "https://token.actions.githubusercontent.com"
	gitLab = "https://gitlab.com"
)

// refusals holds Check to the field that it should name.
func refusals(t *testing.T, rows []struct {
	rule   string
	change func(*Trust)
	field  string
}) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.rule, func(t *testing.T) {
			_, _, err := Check(trust(row.change), tenant)
			if fieldOf(err) != row.field || (err == nil) != (row.field == "") {
				t.Errorf("%v, want one of %q", err, row.field)
			}
		})
	}
}

func TestRule05AWorkspaceCannotTrustItself(t *testing.T) {
	own := trust(func(tr *Trust) { tr.Issuer = tenant.Issuer })
	if _, _, err := Check(own, tenant); fieldOf(err) != "issuer" {
		t.Errorf("written: %v", err)
	}
	if _, err := Compile(own, tenant); fieldOf(err) != "issuer" {
		t.Errorf("read: %v", err)
	}
	if _, _, err := Check(trust(func(tr *Trust) { tr.Issuer = "https://nsc.example/w/beta" }), tenant); err != nil {
		t.Errorf("another workspace's issuer: %v", err)
	}
}

func TestATrustBelongsToItsWorkspace(t *testing.T) {
	foreign := trust(func(tr *Trust) { tr.WorkspaceID = "bbbbbbbbbbbbbbbbbbbbbbbbba" })
	if _, _, err := Check(foreign, tenant); fieldOf(err) != "workspace_id" {
		t.Errorf("written: %v", err)
	}
	if _, err := Compile(foreign, tenant); fieldOf(err) != "workspace_id" {
		t.Errorf("read: %v", err)
	}
	if _, err := Compile(trust(func(tr *Trust) { tr.WorkspaceID = "" }), identity.Tenant{}); err == nil {
		t.Error("a workspace without an ID")
	}
}

func TestWhatCannotBeEvaluatedIsRefusedWhenWritten(t *testing.T) {
	refusals(t, []struct {
		rule   string
		change func(*Trust)
		field  string
	}{
		{"no issuer", func(tr *Trust) { tr.Issuer = "" }, "issuer"},
		{"issuer with NUL", func(tr *Trust) { tr.Issuer = "https://a\x00" }, "issuer"},
		{"no subject", func(tr *Trust) { tr.SubjectMatch = "" }, "subject_match"},
		{"subject with invalid UTF-8", func(tr *Trust) { tr.SubjectMatch = "a:\xff" }, "subject_match"},
		{"audience that goes on", func(tr *Trust) { tr.Audience = "https://api.example*" }, "audience"},
		{"condition", func(tr *Trust) { tr.Condition = "claims." }, "condition"},
		{"description of 1000 bytes", func(tr *Trust) { tr.Description = strings.Repeat("d", 1000) }, ""},
		{"description of 1001 bytes", func(tr *Trust) { tr.Description = strings.Repeat("d", 1001) }, "description"},
		{"description with NUL", func(tr *Trust) { tr.Description = "\x00" }, "description"},
		{"description of two lines", func(tr *Trust) { tr.Description = "one\ntwo" }, ""},
		{"default of 0.5 s", func(tr *Trust) { tr.DefaultDuration = time.Second / 2 }, "default_token_duration"},
		{"default of 1 s", func(tr *Trust) { tr.DefaultDuration = time.Second }, ""},
		{"default of 1.5 s", func(tr *Trust) { tr.DefaultDuration = 1500 * time.Millisecond }, "default_token_duration"},
		{"default above the maximum", func(tr *Trust) {
			tr.DefaultDuration, tr.MaxDuration = 2*time.Hour, time.Hour
		}, "default_token_duration"},
		{"negative default", func(tr *Trust) { tr.DefaultDuration = -time.Second }, "default_token_duration"},
		{"maximum of 7 d", func(tr *Trust) { tr.MaxDuration = 7 * 24 * time.Hour }, ""},
		{"maximum above 7 d", func(tr *Trust) { tr.MaxDuration = 7*24*time.Hour + time.Second }, "max_token_duration"},
		{"default above 7 d", func(tr *Trust) { tr.DefaultDuration = 169 * time.Hour }, "max_token_duration"},
		{"external tokens of 366 d", func(tr *Trust) { tr.MaxLifetime = 366 * 24 * time.Hour }, ""},
		{"external tokens above 366 d", func(tr *Trust) { tr.MaxLifetime = 367 * 24 * time.Hour }, "max_external_lifetime"},
		{"unknown resource type", func(tr *Trust) { tr.Grants[0].ResourceType = "x" }, "grants[0].resource_type"},
		{"unknown action", func(tr *Trust) { tr.Grants[1].Actions = []string{"x"} }, "grants[1].actions[0]"},
	})
}

func TestDefaultsAreFilledIn(t *testing.T) {
	for _, row := range []struct {
		rule                          string
		duration, most                time.Duration
		wantDuration, wantMost, lives time.Duration
	}{
		{"nothing said", 0, 0, 15 * time.Minute, time.Hour, 24 * time.Hour},
		{"a short maximum bounds the default", 0, time.Minute, time.Minute, time.Minute, 24 * time.Hour},
		{"a long default raises the maximum", 8 * time.Hour, 0, 8 * time.Hour, 8 * time.Hour, 24 * time.Hour},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, _, err := Check(trust(func(tr *Trust) {
				tr.WorkspaceID, tr.DefaultDuration, tr.MaxDuration = "", row.duration, row.most
				tr.Grants = these(grant(Workspace, "trust", Write, Read, Read))
			}), tenant)
			if err != nil {
				t.Fatal(err)
			}
			if got.DefaultDuration != row.wantDuration || got.MaxDuration != row.wantMost || got.MaxLifetime != row.lives {
				t.Errorf("%s %s %s", got.DefaultDuration, got.MaxDuration, got.MaxLifetime)
			}
			if !reflect.DeepEqual(got.Grants, these(grant(Workspace, "trust", Read, Write))) || got.WorkspaceID != tenant.ID {
				t.Errorf("%v in %q", got.Grants, got.WorkspaceID)
			}
		})
	}
}

func TestSecuritySubjectTooWide(t *testing.T) {
	type row struct {
		rule, issuer, subject, condition string
		refused                          bool
	}
	for _, row := range []row{
		{rule: "lone *", subject: "*", refused: true},
		{rule: "stars alone", subject: "*:*", refused: true},
		{rule: "part of a segment", subject: "repo*", refused: true},
		{rule: "parts of segments", subject: "re*:ac*/a*i", refused: true},
		{rule: "delimiters alone", subject: "/*", refused: true},
		{rule: "a scheme alone", subject: "spiffe://*", refused: true},
		{rule: "a scheme and a host", subject: "spiffe://prod.example/*"},
		{rule: "one whole segment", subject: "system:serviceaccount:*"},
		{rule: "lone * narrowed by a condition", subject: "*", condition: `claims.namespace_id == "7"`},
		{rule: "lone * with a condition that narrows nothing",
			subject: "*", condition: `claims.iss == "https://x"`, refused: true},
		{rule: "lone * with a disjunction", subject: "*", condition: `claims.a == "b" || claims.c == "d"`, refused: true},
		{rule: "lone * with an empty literal", subject: "*", condition: `claims.a == ""`, refused: true},
		{rule: "alternation is literal text", subject: "^repo:acme|x$"},
		{rule: "GitHub: every repository", issuer: gitHub, subject: "repo:*", refused: true},
		{rule: "GitHub: every owner's repository of a name", issuer: gitHub, subject: "repo:*/infra:*", refused: true},
		{rule: "GitHub: owners that begin alike", issuer: gitHub, subject: "repo:acme*/infra:*", refused: true},
		{rule: "GitHub: too short", issuer: gitHub, subject: "repo", refused: true},
		{rule: "GitHub: one owner", issuer: gitHub, subject: "repo:acme/*"},
		{rule: "GitHub: every owner, by condition",
			issuer: gitHub, subject: "repo:*", condition: `claims.repository_owner_id == "65"`},
		{rule: "GitHub: any name of one ID", issuer: gitHub, subject: "repo:*@65/*"},
		{rule: "an enterprise's issuer of GitHub's", issuer: gitHub + "/acme", subject: "repo:*", refused: true},
		{rule: "an issuer that begins the same", issuer: gitHub + ".example", subject: "repo:*"},
		{rule: "GitLab: every group", issuer: gitLab, subject: "project_path:*", refused: true},
		{rule: "GitLab: one group", issuer: gitLab, subject: "project_path:acme/*"},
		{rule: "Google: part of an ID", issuer: "https://accounts.google.com", subject: "1234*", refused: true},
		{rule: "Google: an ID", issuer: "https://accounts.google.com", subject: "123456789012345678901"},
		{rule: "Buildkite: every organisation", issuer: "https://agent.buildkite.com", subject: "organization:*", refused: true},
		{rule: "Terraform: every organisation", issuer: "https://app.terraform.io", subject: "organization:*", refused: true},
		{rule: "CircleCI: every organisation", issuer: "https://oidc.circleci.com/org/1", subject: "org/*", refused: true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			tr := trust(func(tr *Trust) {
				tr.SubjectMatch, tr.Condition = row.subject, row.condition
				if row.issuer != "" {
					tr.Issuer = row.issuer
				}
			})
			if _, _, err := Check(tr, tenant); (fieldOf(err) == "subject_match") != row.refused || (err != nil) != row.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSecurityOwnersThatCanBeRenamedAreWarnedAbout(t *testing.T) {
	for _, row := range []struct {
		rule, issuer, subject, condition string
		warned                           bool
	}{
		{"GitHub, by name", gitHub, "repo:acme/api:*", "", true},
		{"GitHub, by ID in the subject", gitHub, "repo:acme@65/api@74:*", "", false},
		{"GitHub, sleeper squat: a name that looks like an ID", gitHub, "repo:acme-65/api-74:*", "", true},
		{"GitHub, an ID of the repository's name alone", gitHub, "repo:acme/api@74:*", "", true},
		{"GitHub, an ID that may go on", gitHub, "repo:acme@65*/api:*", `claims.repository == "acme/api"`, true},
		{"GitHub, not a number after @", gitHub, "repo:acme@x65/api:*", "", true},
		{"GitHub, the ID in another position", gitHub, "ref:acme@65/api:*", "", true},
		{"GitHub, a subject made of IDs", gitHub, "repository_owner_id:65:repository_id:74", "", false},
		{"GitHub, by condition", gitHub, "repo:acme/api:*", `claims.repository_owner_id == "65"`, false},
		{"GitHub, condition on the name", gitHub, "repo:acme/api:*", `claims.repository_owner == "acme"`, true},
		{"GitHub, no conjunct", gitHub, "repo:acme/api:*", `claims.repository_owner_id == "65" || true`, true},
		{"GitLab, by name", gitLab, "project_path:acme/api:*", "", true},
		{"GitLab, by condition", gitLab, "project_path:acme/api:*", `claims.namespace_id == "9"`, false},
		{"Google, by ID", "https://accounts.google.com", "123456789012345678901", "", false},
		{"Google, by name", "https://accounts.google.com", "somebody", "", true},
		{"Buildkite", "https://agent.buildkite.com", "organization:acme:pipeline:p:*", "", true},
		{"Terraform", "https://app.terraform.io", "organization:acme:project:p:workspace:w:*", "", true},
		{"CircleCI", "https://oidc.circleci.com/org/1-2", "org/1-2/project/3/*", "", false},
		{"an issuer of one's own", issuer, "repo:acme/api:*", "", false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, warnings, err := Check(trust(func(tr *Trust) {
				tr.Issuer, tr.SubjectMatch, tr.Condition = row.issuer, row.subject, row.condition
			}), tenant)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(strings.Join(warnings, "\n"), "share this issuer"); got != row.warned {
				t.Errorf("%q", warnings)
			}
		})
	}
}

func TestRule02SharedAudiencesAreNotExpected(t *testing.T) {
	for _, row := range []struct {
		rule, audience string
		allow, refused bool
	}{
		{rule: "the workspace's issuer, by default", audience: ""},
		{rule: "the workspace's issuer", audience: tenant.Issuer},
		{rule: "one's own name", audience: "https://deploy.acme.example"},
		{rule: "AWS", audience: "sts.amazonaws.com", refused: true},
		{rule: "AWS, allowed expressly", audience: "sts.amazonaws.com", allow: true},
		{rule: "Azure", audience: "api://AzureADTokenExchange", refused: true},
		{rule: "a Kubernetes API server", audience: "https://kubernetes.default.svc.cluster.local", refused: true},
		{rule: "the external issuer itself", audience: issuer, refused: true},
		{rule: "a pattern that admits one", audience: "https://kubernetes.default.svc*l", refused: true},
		{rule: "a pattern that admits the external issuer", audience: "https://*.example", refused: true},
		{rule: "a lone *, which is refused in any case", audience: "*", allow: true, refused: true},
		{rule: "no whole segment", audience: "https://*.acme.example", refused: true},
		{rule: "a whole segment", audience: "https://acme.example/*"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, _, err := Check(trust(func(tr *Trust) {
				tr.Audience, tr.AllowSharedAudience = row.audience, row.allow
			}), tenant)
			if (fieldOf(err) == "audience") != row.refused || (err != nil) != row.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRule12MappingsAreRefusedWhenWritten(t *testing.T) {
	for _, row := range []struct {
		rule, target, expression, field string
	}{
		{"groups", "groups", `claims.groups`, ""},
		{"groups, filtered", "groups", `claims.groups.filter(g, !g.startsWith("system:"))`, ""},
		{"groups, one", "groups", `claims.namespace_path`, ""},
		{"groups, made", "groups", `["team-" + claims.team]`, ""},
		{"an attribute", "attributes.environment", `claims.environment`, ""},
		{"an attribute, a number", "attributes.project", `string(claims.project_id)`, ""},
		{"sub", "sub", `claims.sub`, "mappings"},
		{"aud", "aud", `claims.sub`, "mappings"},
		{"authorization_details", "authorization_details", `claims.sub`, "mappings"},
		{"attributes without a name", "attributes.", `claims.sub`, "mappings"},
		{"attributes with a dot", "attributes.a.b", `claims.sub`, "mappings"},
		{"a name that is too long", "attributes." + strings.Repeat("a", 65), `claims.sub`, "mappings"},
		{"a group of Kubernetes' own", "groups", `["system:masters"]`, "mappings.groups"},
		{"the same in a branch", "groups", `claims.admin == true ? ["system:masters"] : []`, "mappings.groups"},
		{"a group that begins so", "groups", `claims.groups.map(g, "system:" + g)`, "mappings.groups"},
		{"an attribute that begins so", "attributes.user", `"system:admin"`, "mappings.attributes.user"},
		{"groups that are no list", "groups", `claims.n == 1`, "mappings.groups"},
		{"groups that are numbers", "groups", `[1, 2]`, "mappings.groups"},
		{"an attribute that is a list", "attributes.a", `["a"]`, "mappings.attributes.a"},
		{"matches", "attributes.a", `string(claims.sub.matches("a"))`, "mappings.attributes.a"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, _, err := Check(trust(func(tr *Trust) {
				tr.Mappings = map[string]string{row.target: row.expression}
			}), tenant)
			if fieldOf(err) != row.field || (err == nil) != (row.field == "") {
				t.Errorf("%v, want one of %q", err, row.field)
			}
		})
	}
	t.Run("an issuer whose prefix is reserved", func(t *testing.T) {
		_, _, err := Check(trust(func(tr *Trust) {
			tr.Issuer, tr.Mappings = "https://system:443", map[string]string{"groups": "claims.groups"}
		}), tenant)
		if fieldOf(err) != "mappings.groups" {
			t.Errorf("%v", err)
		}
	})
	t.Run("34 of them", func(t *testing.T) {
		many := map[string]string{}
		for i := range 34 {
			many["attributes.a"+strings.Repeat("a", i)] = "claims.sub"
		}
		if _, _, err := Check(trust(func(tr *Trust) { tr.Mappings = many }), tenant); fieldOf(err) != "mappings" {
			t.Errorf("%v", err)
		}
	})
}

func TestWarningsNameTheirField(t *testing.T) {
	for _, row := range []struct {
		rule, prefix string
		change       func(*Trust)
	}{
		{"a final * within a segment", "subject_match: ", func(tr *Trust) { tr.SubjectMatch = "repo:acme/api*" }},
		{"a grant on every audience", "grants[0].resource_id: ", func(tr *Trust) {
			tr.Grants = these(grant(Audience, "*", Issue))
		}},
		{"the issuer's word on who acts", "accept_delegation: ", believing},
		{"tokens of more than a day", "max_token_duration: ", func(tr *Trust) { tr.MaxDuration = 24*time.Hour + time.Second }},
		{"no grant", "grants: ", func(tr *Trust) { tr.Grants = nil }},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, warnings, err := Check(trust(row.change), tenant)
			if err != nil || len(warnings) != 1 || !strings.HasPrefix(warnings[0], row.prefix) {
				t.Errorf("%v %q", err, warnings)
			}
		})
	}
	if _, warnings, err := Check(trust(), tenant); err != nil || len(warnings) > 0 {
		t.Errorf("the usual trust: %v %q", err, warnings)
	}
}
