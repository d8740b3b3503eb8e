package manifest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

var tenant = Tenant{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Name: "prod", Issuer: "https://nsc.example.com/w/prod"}

// declaring returns a manifest that declares trusts of one workspace.
func declaring(trusts ...Trust) File {
	return File{Version: Version, Manifest: "federation", Workspaces: []Workspace{{Name: "prod", Trusts: trusts}}}
}

func (f File) plan(t *testing.T, prune bool, present ...Kept) []Change {
	t.Helper()
	changes, err := f.Plan(f.Workspaces[0], tenant, present, prune)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func web() Trust {
	return Trust{
		Name: "web", Issuer: "https://ci.example.com", SubjectMatch: "ci:acme/web", Grants: []Grant{{"audience", "vault", []string{"issue"}}},
	}
}

// there returns the trust that applying a declaration leaves behind, under an ID.
func there(t *testing.T, id string, declared Trust) Kept {
	t.Helper()
	k := declaring(declared).plan(t, false)[0].Want()
	k.ID, k.Revision = id, 7
	return k
}

// summary writes changes as "action name", in their order.
func summary(changes []Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, string(c.Action)+" "+c.Name)
	}
	return strings.Join(all, ", ")
}

// A manifest owns what it applied, and touches nothing else.
func TestPlanTouchesOnlyItsOwn(t *testing.T) {
	changed, other, byHand, elsewhere := web(), web(), there(t, "h", web()), there(t, "e", web())
	changed.Description, other.Name = "new", "api"
	byHand.ManagedBy, elsewhere.ManagedBy = "", "federation2/web"
	disowned := there(t, "d", web())
	disowned.ManagedBy = "federation/gone"
	adopting := web()
	adopting.Adopt = "h"
	for name, c := range map[string]struct {
		file    File
		prune   bool
		present []Kept
		want    string
	}{
		"nothing is there":               {declaring(web()), false, nil, "add web"},
		"it is so already":               {declaring(web()), true, []Kept{there(t, "w", web())}, ""},
		"it was made by hand":            {declaring(web()), true, []Kept{byHand}, "add web"},
		"it is another manifest's":       {declaring(web()), true, []Kept{elsewhere}, "add web"},
		"it is adopted":                  {declaring(adopting), true, []Kept{byHand}, "update web"},
		"it was adopted":                 {declaring(adopting), true, []Kept{there(t, "h", web())}, ""},
		"it is changed":                  {declaring(changed), false, []Kept{there(t, "w", web())}, "update web"},
		"it is declared no longer":       {declaring(), false, []Kept{there(t, "w", web()), byHand, elsewhere}, "keep web"},
		"it is removed":                  {declaring(), true, []Kept{there(t, "w", web()), byHand, elsewhere}, "remove web"},
		"updates, additions, removals":   {declaring(other, changed), true, []Kept{disowned, there(t, "w", web())}, "update web, add api, remove gone"},
		"another name is another trust":  {declaring(other), true, []Kept{there(t, "w", web())}, "add api, remove web"},
		"a manifest whose name is begun": {File{Version: 1, Manifest: "fed", Workspaces: []Workspace{{Name: "prod"}}}, true, []Kept{there(t, "w", web())}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := summary(c.file.plan(t, c.prune, c.present...)); got != c.want {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	preset := Trust{Name: "a", Preset: "gitlab", With: map[string]string{"project": "acme/api", "project-id": "42", "branch": "main"}}
	change := func(t Trust, f func(*Trust)) Trust { f(&t); return t }
	elsewhere, byHand := there(t, "e", web()), there(t, "h", web())
	elsewhere.ManagedBy, byHand.ManagedBy = "other/web", ""
	for name, c := range map[string]struct {
		trusts []Trust
		want   string
	}{
		"an adopted trust that is not there":    {[]Trust{change(web(), func(t *Trust) { t.Adopt = "x" })}, "adopt: the workspace has no trust x"},
		"an adopted trust of another manifest":  {[]Trust{change(web(), func(t *Trust) { t.Adopt = "e" })}, "adopt: e is declared elsewhere, as other/web"},
		"one trust adopted twice":               {[]Trust{change(web(), func(t *Trust) { t.Adopt = "h" }), change(web(), func(t *Trust) { t.Name, t.Adopt = "b", "h" })}, "adopt: h is trust web already"},
		"parameters without a preset":           {[]Trust{change(web(), func(t *Trust) { t.With = map[string]string{"a": "b"} })}, "with: is for the parameters of a preset"},
		"an issuer beside a preset":             {[]Trust{change(preset, func(t *Trust) { t.Issuer = "https://x" })}, "preset: writes issuer and subject_match"},
		"a subject beside a preset":             {[]Trust{change(preset, func(t *Trust) { t.SubjectMatch = "project_path:*" })}, "preset: writes issuer and subject_match"},
		"an unknown preset":                     {[]Trust{change(preset, func(t *Trust) { t.Preset = "gitlub" })}, "did you mean gitlab?"},
		"a condition that turns the pins off":   {[]Trust{change(preset, func(t *Trust) { t.Condition = "true) || (true" })}, "condition: does not compile"},
		"a subject that admits everybody":       {[]Trust{change(web(), func(t *Trust) { t.SubjectMatch = "*" })}, "subject_match: "},
		"no issuer":                             {[]Trust{change(web(), func(t *Trust) { t.Issuer = "" })}, "issuer: "},
		"the workspace's own issuer":            {[]Trust{change(web(), func(t *Trust) { t.Issuer = tenant.Issuer })}, "issuer: is the workspace's own"},
		"no duration":                           {[]Trust{change(web(), func(t *Trust) { t.MaxDuration = "1x" })}, "max_token_duration: is not a duration"},
		"a duration of nothing":                 {[]Trust{change(web(), func(t *Trust) { t.MaxDuration = "0s" })}, "max_token_duration: is shorter than a second"},
		"a key set without an end":              {[]Trust{change(web(), func(t *Trust) { t.KeySource = &KeySource{Kind: "jwks", JWKS: `{"keys":[]}`} })}, "key_source"},
		"an end that is no time":                {[]Trust{change(web(), func(t *Trust) { t.KeySource = &KeySource{Kind: "jwks", NotAfter: "30d"} })}, "key_source.not_after: is not a time"},
		"a grant that there is no such type of": {[]Trust{change(web(), func(t *Trust) { t.Grants[0].ResourceType = "x" })}, "grants"},
	} {
		t.Run(name, func(t *testing.T) {
			f := declaring(c.trusts...)
			_, err := f.Plan(f.Workspaces[0], tenant, []Kept{elsewhere, byHand}, false)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "workspace prod, trust ") {
				t.Errorf("%v; want %s", err, c.want)
			}
		})
	}
}

// Every field of a trust that somebody can write is compared, and sent: none can drift without being seen.
func TestEveryFieldIsComparedAndSent(t *testing.T) {
	writers := map[string]bool{ // what the server writes itself
		"ID": true, "WorkspaceID": true, "CreatedBy": true, "UpdatedBy": true, "CreatedAt": true, "UpdatedAt": true, "Version": true, "Revision": true,
	}
	base := policy.Trust{Issuer: "a", DefaultDuration: time.Minute, MaxDuration: time.Minute, MaxLifetime: time.Minute}
	for i := range reflect.TypeFor[policy.Trust]().NumField() {
		field := reflect.TypeFor[policy.Trust]().Field(i)
		if writers[field.Name] {
			continue
		}
		moved := base
		switch v := reflect.ValueOf(&moved).Elem().Field(i); v.Interface().(type) {
		case string:
			v.SetString("b")
		case bool:
			v.SetBool(!v.Bool())
		case time.Duration:
			v.SetInt(int64(time.Hour))
		case map[string]string:
			v.Set(reflect.ValueOf(map[string]string{"groups": "claims.groups"}))
		case []identity.Permission:
			v.Set(reflect.ValueOf([]identity.Permission{{ResourceType: "audience", ResourceID: "x", Actions: []string{"issue"}}}))
		case identity.KeySource:
			v.Set(reflect.ValueOf(identity.KeySource{Kind: "jwks", URL: "u", CA: "c", JWKS: "j", NotAfter: time.Unix(1, 0)}))
		default:
			t.Fatalf("%s is of a kind that this test does not know", field.Name)
		}
		if len(diff(values(base), values(moved))) == 0 {
			t.Errorf("a change of %s is not seen", field.Name)
		}
		if reflect.DeepEqual(Change{want: base}.Want(), Change{want: moved}.Want()) {
			t.Errorf("a change of %s is not sent", field.Name)
		}
	}
}

func TestDiffIsByField(t *testing.T) {
	before, after := web(), web()
	after.Grants = append([]Grant{{"audience", "aws", []string{"issue"}}}, after.Grants...)
	after.Mappings = map[string]string{"groups": "claims.teams"}
	after.Description, after.MaxDuration, after.Disabled = "new", "2h", true
	got := declaring(after).plan(t, false, there(t, "w", before))[0].Fields
	want := []Field{
		{"grants", "", "audience aws: issue"}, {"max_token_duration", "1h", "2h"}, {"mappings.groups", "", "claims.teams"},
		{"disabled", "", "true"}, {"description", "", "new"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}

// A key source is all trusts' of an issuer: whoever follows is found again, unless anything else of it moved.
func TestFollows(t *testing.T) {
	after := web()
	after.Description = "new"
	c := declaring(after).plan(t, false, there(t, "w", web()))[0]
	again := there(t, "w", web())
	again.KeySource, again.Revision = Source{Kind: "jwks_url", URL: "https://ci.example.com/keys"}, 8
	if got, same := c.Follows(again); !same || got.Revision != 8 {
		t.Errorf("%v, %v", got.Revision, same)
	}
	again.Enabled = false
	if _, same := c.Follows(again); same {
		t.Error("a change by somebody else is overwritten")
	}
}

// What is exported is what is there: planning it changes nothing but whose it is.
func TestExportChangesNothing(t *testing.T) {
	full := Trust{
		Name: "web", Issuer: "https://ci.example.com", SubjectMatch: "ci:acme/*", Audience: "https://aud.example.com", Condition: "claims.a == \"b\" // x\n || true",
		Mappings: map[string]string{"groups": "claims.groups", "attributes.team": "claims.team"}, Grants: web().Grants, DefaultDuration: "1m",
		MaxDuration: "1d2h", MaxLifetime: "366d", SingleUse: true, Disabled: true, AllowSharedAudience: true, AcceptDelegation: true, Description: "the\tsite: # \"x\"\n",
		KeySource: &KeySource{Kind: "jwks_url", URL: "https://ci.example.com/keys"},
	}
	full.MaxDuration = "23h"
	byHand, second, others := there(t, "h", full), there(t, "s", full), there(t, "o", full)
	byHand.ManagedBy, second.ManagedBy, others.ManagedBy = "", "", "other/web"
	present := []Kept{there(t, "w", full), byHand, second, others}
	f, left, err := Export("federation", "prod", present)
	if err != nil || len(left) != 1 || left[0] != "other/web" {
		t.Fatal(left, err)
	}
	read, err := Read(f.Text(), "")
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Text())
	}
	changes := read.plan(t, true, present...)
	if summary(changes) != "update the-site-x, update the-site-x-2" {
		t.Fatalf("%s\n%s", summary(changes), f.Text())
	}
	for _, c := range changes {
		if !c.Adopts || len(c.Fields) != 1 || c.Fields[0].Name != "managed_by" {
			t.Errorf("%+v", c.Fields)
		}
	}
	var e *Error
	if _, _, err := Export("a/b", "prod", nil); !errors.As(err, &e) {
		t.Error(err)
	}
}

// What a preset pins stays pinned: a condition beside it narrows, an audience of its own is replaced.
func TestAPresetIsExtendedAndNotReplaced(t *testing.T) {
	const pins = `claims.oid == "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb" && claims.tid == "aaaabbbb-0000-cccc-1111-dddd2222eeee"`
	azure := Trust{Name: "a", Preset: "azure-managed-identity", With: map[string]string{
		"entra-tenant-id": "aaaabbbb-0000-cccc-1111-dddd2222eeee", "principal-id": "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
		"application-id": "00001111-aaaa-2222-bbbb-3333cccc4444",
	}}
	plain := declaring(azure).plan(t, false)[0].Want()
	if plain.Condition != pins || plain.Audience != "00001111-aaaa-2222-bbbb-3333cccc4444" || plain.SubjectMatch != "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb" {
		t.Errorf("%+v", plain)
	}
	azure.Condition, azure.Audience = "claims.a == 1 || true", "api://other"
	extended := declaring(azure).plan(t, false)[0].Want()
	if extended.Condition != "("+pins+") && (claims.a == 1 || true)" || extended.Audience != "api://other" {
		t.Errorf("%+v", extended)
	}
}
