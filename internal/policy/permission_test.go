package policy

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/nsc-federation/nsc/internal/identity"
)

func TestActionsByResourceType(t *testing.T) {
	for _, row := range []struct {
		rule  string
		p     identity.Permission
		field string // of the error; "" is accepted
		warns bool
	}{
		{rule: "workspace noun", p: grant(Workspace, "trust", Read, Write, Admin)},
		{rule: "workspace *", p: grant(Workspace, "*", Admin)},
		{rule: "workspace noun of what operators do", p: grant(Workspace, "workspace", Read)},
		{rule: "workspace noun that is not known", p: grant(Workspace, "trusts", Read), warns: true},
		{rule: "workspace pattern", p: grant(Workspace, "tr*", Read), field: "g[0].resource_id"},
		{rule: "workspace action", p: grant(Workspace, "trust", "delete"), field: "g[0].actions[0]"},
		{rule: "audience", p: grant(Audience, "https://api.example/*", Issue, Introspect)},
		{rule: "audience * alone", p: grant(Audience, "*", Issue), warns: true},
		{rule: "audience of any host", p: grant(Audience, "https://*/x*y", Issue), warns: true},
		{rule: "audience that goes on", p: grant(Audience, "https://api.example*", Issue), field: "g[0].resource_id"},
		{rule: "http", p: grant(HTTP, "api.example/v1/*", "get", "post")},
		{rule: "http every method", p: grant(HTTP, "api.example/v1/*", "*")},
		{rule: "http * alone", p: grant(HTTP, "*", "get"), warns: true},
		{rule: "http with scheme", p: grant(HTTP, "https://api.example/v1", "get"), field: "g[0].resource_id"},
		{rule: "http host in upper case", p: grant(HTTP, "API.example/v1", "get"), field: "g[0].resource_id"},
		{rule: "http method in upper case", p: grant(HTTP, "api.example/v1", "GET"), field: "g[0].actions[0]"},
		{rule: "http path with a dot segment", p: grant(HTTP, "api.example/v1/../admin", "get"), field: "g[0].resource_id"},
		{rule: "http path with one in disguise", p: grant(HTTP, "api.example/v1/%2E%2e/admin", "get"), field: "g[0].resource_id"},
		{rule: "http path with an empty segment", p: grant(HTTP, "api.example//admin", "get"), field: "g[0].resource_id"},
		{rule: "http path with a final slash", p: grant(HTTP, "api.example/v1/", "get")},
		{rule: "http path that goes on", p: grant(HTTP, "api.example/v1*", "get"), warns: true},
		{rule: "kubernetes", p: grant(Kubernetes, "prod-1", "user", "group:deployers")},
		{rule: "kubernetes system: group (rule 12)",
			p: grant(Kubernetes, "prod-1", "group:system:masters"), field: "g[0].actions[0]"},
		{rule: "kubernetes empty group", p: grant(Kubernetes, "prod-1", "group:"), field: "g[0].actions[0]"},
		{rule: "kubernetes pattern", p: grant(Kubernetes, "*", "user"), field: "g[0].resource_id"},
		{rule: "docker", p: grant(Docker, "build-1.example", "container:create", "image:pull")},
		{rule: "docker action without a verb", p: grant(Docker, "build-1", "container"), field: "g[0].actions[0]"},
		{rule: "registry", p: grant(Registry, "team/*", "pull", "push")},
		{rule: "registry with a dot segment", p: grant(Registry, "team/../other", "pull"), field: "g[0].resource_id"},
		{rule: "registry * alone", p: grant(Registry, "*", "pull"), warns: true},
		{rule: "registry name in upper case", p: grant(Registry, "Team/app", "pull"), field: "g[0].resource_id"},
		{rule: "postgres", p: grant(Postgres, "main/orders", "connect:reader")},
		{rule: "postgres without a database", p: grant(Postgres, "main", "connect:reader"), field: "g[0].resource_id"},
		{rule: "postgres pattern", p: grant(Postgres, "main/*", "connect:reader"), field: "g[0].resource_id"},
		{rule: "postgres empty role", p: grant(Postgres, "main/orders", "connect:"), field: "g[0].actions[0]"},
		{rule: "unknown type", p: grant("mainframe", "x", "read"), field: "g[0].resource_type"},
		{rule: "no resource", p: grant(Workspace, "", Read), field: "g[0].resource_id"},
		{rule: "no actions", p: grant(Workspace, "trust"), field: "g[0].actions"},
		{rule: "NUL", p: grant(Postgres, "main/or\x00ders", "connect:r"), field: "g[0].resource_id"},
		{rule: "NUL in an action", p: grant(Postgres, "main/orders", "connect:\x00"), field: "g[0].actions[0]"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			warnings, err := CheckPermissions(these(row.p), "g")
			if fieldOf(err) != row.field || (err == nil) != (row.field == "") {
				t.Errorf("error %v, want one of %q", err, row.field)
			}
			if (len(warnings) > 0) != row.warns {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestGrantsAreFewAndDistinct(t *testing.T) {
	var many []identity.Permission
	for i := range maxGrants + 1 {
		many = append(many, grant(Kubernetes, fmt.Sprint("cluster-", i), "user"))
	}
	if _, err := CheckPermissions(many, "g"); fieldOf(err) != "g" {
		t.Errorf("65 grants: %v", err)
	}
	twice := these(grant(Workspace, "key", Read), grant(Workspace, "key", Write))
	if _, err := CheckPermissions(twice, "g"); fieldOf(err) != "g[1]" {
		t.Errorf("two grants on one resource: %v", err)
	}
}

func TestUnionNormalises(t *testing.T) {
	a := these(grant(Workspace, "trust", Write, Read, Read), grant(Audience, "b", Issue))
	b := these(grant(Workspace, "trust", Admin), grant(Audience, "a", Issue))
	before := fmt.Sprint(a, b)
	want := these(grant(Audience, "a", Issue), grant(Audience, "b", Issue), grant(Workspace, "trust", Admin, Read, Write))
	if got := Union(a, b); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if fmt.Sprint(a, b) != before {
		t.Errorf("the arguments were changed: %v %v", a, b)
	}
}

func TestRule04NobodyGivesWhatHeDoesNotHave(t *testing.T) {
	for _, row := range []struct {
		rule       string
		have, want identity.Permission
		covers     bool
	}{
		{"workspace admin covers its nouns", grant(Workspace, "*", Admin), grant(Workspace, "key", Admin), true},
		{"workspace admin covers every type", grant(Workspace, "*", Admin), grant(Docker, "h", "container:create"), true},
		{"workspace admin covers itself", grant(Workspace, "*", Admin), grant(Workspace, "*", Admin), true},
		{"workspace write is not admin", grant(Workspace, "*", Write), grant(Workspace, "trust", Admin), false},
		{"workspace write on all is no audience", grant(Workspace, "*", Write), grant(Audience, "https://a/x", Issue), false},
		{"admin of a noun covers read and write of it",
			grant(Workspace, "trust", Admin), grant(Workspace, "trust", Read, Write), true},
		{"admin of a noun is not admin of all", grant(Workspace, "trust", Admin), grant(Workspace, "*", Admin), false},
		{"admin of a noun is nothing to another", grant(Workspace, "trust", Admin), grant(Workspace, "key", Read), false},
		{"write includes read", grant(Workspace, "trust", Write), grant(Workspace, "trust", Read), true},
		{"read does not include write", grant(Workspace, "trust", Read), grant(Workspace, "trust", Write), false},
		{"audience pattern", grant(Audience, "https://a/*", Issue), grant(Audience, "https://a/x", Issue), true},
		{"audience pattern is not wider", grant(Audience, "https://a/x", Issue), grant(Audience, "https://a/*", Issue), false},
		{"issue is not introspect", grant(Audience, "*", Issue), grant(Audience, "https://a/x", Introspect), false},
		{"audience * covers patterns", grant(Audience, "*", Issue), grant(Audience, "https://a/*", Issue), true},
		{"a pattern does not cover audience *", grant(Audience, "https://a/*", Issue), grant(Audience, "*", Issue), false},
		{"http * is every method", grant(HTTP, "h/*", "*"), grant(HTTP, "h/x", "get", "post"), true},
		{"http get is not *", grant(HTTP, "h/*", "get"), grant(HTTP, "h/x", "*"), false},
		{"a cluster named like a pattern", grant(Kubernetes, "a*", "user"), grant(Kubernetes, "ab", "user"), false},
		{"groups are distinct", grant(Kubernetes, "a", "group:x"), grant(Kubernetes, "a", "group:y"), false},
		{"types are distinct", grant(Registry, "a/b", "pull"), grant(HTTP, "a/b", "pull"), false},
		{"no action is not covered by anything", grant(Workspace, "*", Admin), grant(Workspace, "key"), false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if got := Covers(these(row.have), row.want); got != row.covers {
				t.Errorf("%v covers %v: %v", row.have, row.want, got)
			}
			if got := len(Exceeding(these(row.have), these(row.want))) == 0; got != row.covers {
				t.Errorf("%v exceeds %v: %v", row.want, row.have, !got)
			}
		})
	}
}

func TestRule04ActionsMayComeFromSeveralGrants(t *testing.T) {
	have := these(grant(Registry, "team/*", "pull"), grant(Registry, "team/app", "push"))
	if !Covers(have, grant(Registry, "team/app", "pull", "push")) {
		t.Error("pull from one and push from the other")
	}
	if Covers(have, grant(Registry, "team/web", "pull", "push")) {
		t.Error("push was held on team/app alone")
	}
}

func TestRule02Allows(t *testing.T) {
	for _, row := range []struct {
		rule             string
		have             identity.Permission
		kind, id, action string
		want             bool
	}{
		{"audience by pattern", grant(Audience, "https://a/*", Issue), Audience, "https://a/x", Issue, true},
		{"other audience", grant(Audience, "https://a/*", Issue), Audience, "https://b/x", Issue, false},
		{"audience *", grant(Audience, "*", Issue), Audience, "sts.amazonaws.com", Issue, true},
		{"audience * and no audience", grant(Audience, "*", Issue), Audience, "", Issue, false},
		{"workspace admin includes audiences", grant(Workspace, "*", Admin), Audience, "https://b/x", Issue, true},
		{"trust admin does not", grant(Workspace, "trust", Admin), Audience, "https://b/x", Issue, false},
		{"trust write", grant(Workspace, "trust", Write), Workspace, "trust", Write, true},
		{"trust write is read", grant(Workspace, "trust", Write), Workspace, "trust", Read, true},
		{"trust read is not write", grant(Workspace, "trust", Read), Workspace, "trust", Write, false},
		{"all nouns", grant(Workspace, "*", Read), Workspace, "record", Read, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if got := Allows(these(row.have), row.kind, row.id, row.action); got != row.want {
				t.Errorf("%v allows %s %s on %s: %v", row.have, row.action, row.kind, row.id, got)
			}
		})
	}
	if Allows(nil, Workspace, "trust", Read) {
		t.Error("nothing allows something")
	}
}

// anyPermission draws permissions that meet often.
var anyPermission = rapid.Custom(func(t *rapid.T) identity.Permission {
	kind := rapid.SampledFrom([]string{Workspace, Audience, HTTP, Registry}).Draw(t, "type")
	ids := map[string][]string{
		Workspace: {"*", "trust", "key"}, Audience: {"*", "u:a/*", "u:a/b", "u:*/b"},
		HTTP: {"*", "h/*", "h/a", "h/a*"}, Registry: {"*", "t/*", "t/a", "t/a/b"},
	}
	actions := map[string][]string{
		Workspace: {Read, Write, Admin}, Audience: {Issue, Introspect},
		HTTP: {"get", "post", "*"}, Registry: {"pull", "push"},
	}
	return identity.Permission{
		ResourceType: kind, ResourceID: rapid.SampledFrom(ids[kind]).Draw(t, "id"),
		Actions: rapid.SliceOfNDistinct(rapid.SampledFrom(actions[kind]), 1, 2, rapid.ID).Draw(t, "actions"),
	}
})

// What somebody may give away allows nothing that he is not allowed himself.
func TestRule04CoveredIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have := rapid.SliceOfN(anyPermission, 1, 3).Draw(t, "have")
		want := anyPermission.Draw(t, "want")
		if !Covers(have, want) {
			return
		}
		for _, id := range []string{"trust", "key", "u:a/b", "u:c/b", "u:a/b/c", "h/a", "h/ab", "h/b", "t/a", "t/a/b", "x"} {
			for _, action := range []string{Read, Write, Admin, Issue, Introspect, "get", "post", "pull", "push"} {
				if Allows(these(want), want.ResourceType, id, action) && !Allows(have, want.ResourceType, id, action) {
					t.Fatalf("%v is said to cover %v, which allows %s on %s beyond it", have, want, action, id)
				}
			}
		}
	})
}

func TestRule32ScopeOnlyNarrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		have := rapid.SliceOfN(anyPermission, 1, 4).Draw(t, "have")
		scopes := rapid.SliceOfN(rapid.SampledFrom([]string{
			"workspace:read", "workspace:admin", "audience:issue", "http:get", "http:*", "registry:pull",
			"kubernetes:user", "x", ":",
		}), 1, 3).Draw(t, "scopes")
		narrowed, _, ok := narrowTo(have, scopes)
		if over := Exceeding(have, narrowed); ok && (len(over) > 0 || len(narrowed) == 0) {
			t.Fatalf("%v narrowed by %v to %v exceeds by %v", have, scopes, narrowed, over)
		}
	})
}

func TestRule32ScopeNamesTypeAndAction(t *testing.T) {
	have := these(grant(Workspace, "trust", Write), grant(HTTP, "h/*", "*"), grant(Kubernetes, "c", "user", "group:dev"))
	for _, row := range []struct {
		rule  string
		scope []string
		want  []identity.Permission
	}{
		{"an included action", []string{"workspace:read"}, these(grant(Workspace, "trust", Read))},
		{"an action with a colon", []string{"kubernetes:group:dev"}, these(grant(Kubernetes, "c", "group:dev"))},
		{"one method of all", []string{"http:get"}, these(grant(HTTP, "h/*", "get"))},
		{"two", []string{"http:get", "workspace:write"}, these(grant(HTTP, "h/*", "get"), grant(Workspace, "trust", Write))},
		{"not held", []string{"workspace:admin"}, nil},
		{"one held and one not", []string{"http:get", "registry:pull"}, nil},
		{"no action", []string{"workspace"}, nil},
		{"unknown", []string{"openid"}, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, _, ok := narrowTo(have, row.scope)
			if ok != (row.want != nil) || !slices.EqualFunc(got, row.want, func(a, b identity.Permission) bool {
				return reflect.DeepEqual(a, b)
			}) {
				t.Errorf("%v: %v, %v", row.scope, got, ok)
			}
		})
	}
}
