package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

const declared = `version: 1
manifest: federation
workspaces:
- name: prod
  trusts:
  - {name: first, issuer: "https://a.example.com", subject_match: "ci:acme/a", description: new}
  - {name: second, issuer: "https://a.example.com", subject_match: "ci:acme/b", description: new}
  - {name: third, issuer: "https://a.example.com", subject_match: "ci:acme/c"}
`

func keptJSON(id, subject, managed string) string {
	return fmt.Sprintf(`{"id":%q,"issuer":"https://a.example.com","subject_match":%q,"audience":"","grants":[],"default_token_duration":"15m0s",
		"max_token_duration":"1h0m0s","max_external_lifetime":"24h0m0s","enabled":true,"managed_by":%q,"key_source":{"kind":"discovery"},
		"version":1,"revision":4}`, id, subject, managed)
}

// newManifestLab has two trusts of the manifest, one that it declares no longer, and one that was made by hand.
func newManifestLab(t *testing.T) (*lab, string) {
	t.Helper()
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod", 200, `{"workspace_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","name":"prod","issuer":"https://nsc.example.com/w/prod"}`)
	l.nsc.answer("GET "+trustsRoute, 200, `{"items":[`+strings.Join([]string{
		keptJSON("t1", "ci:acme/a", "federation/first"), keptJSON("t2", "ci:acme/b", "federation/second"), keptJSON("t4", "ci:acme/d", "federation/fourth"), keptJSON("t5", "ci:acme/e", ""),
	}, ",")+`]}`)
	l.nsc.answer("POST "+trustsRoute, 201, keptJSON("t3", "ci:acme/c", "federation/third"))
	for _, id := range []string{"t1", "t2"} {
		l.nsc.answer("PATCH "+trustsRoute+"/"+id, 200, keptJSON(id, "x", "x"))
	}
	l.nsc.answer("DELETE "+trustsRoute+"/t4", 204, "")
	return l, l.write("federation.yaml", declared)
}

// writes returns what the server was told to change, with the revision that was insisted on.
func (f *fakeServer) writes() []string {
	var all []string
	for _, c := range f.all() {
		if c.method != http.MethodGet {
			all = append(all, strings.TrimSpace(c.method+" "+strings.TrimPrefix(c.path, trustsRoute)+" "+c.ifMatch))
		}
	}
	return all
}

func TestApplyChangesWhatWasShown(t *testing.T) {
	l, file := newManifestLab(t)
	for args, want := range map[string][]string{
		"plan":                {},
		"plan --prune":        {},
		"apply --yes":         {`PATCH /t1 "4"`, `PATCH /t2 "4"`, "POST"},
		"apply --yes --prune": {`PATCH /t1 "4"`, `PATCH /t2 "4"`, "POST", `DELETE /t4 "4"`},
	} {
		l.ok(append(strings.Fields(args), "-f", file)...)
		if got := l.nsc.writes(); !reflect.DeepEqual(append([]string{}, got...), want) {
			t.Errorf("%s: %q; want %q", args, got, want)
		}
	}
}

// A change that somebody else made in between is not overwritten; what was done and what was not is said.
func TestApplyStopsWhereItIsRefused(t *testing.T) {
	l, file := newManifestLab(t)
	l.nsc.answer("PATCH "+trustsRoute+"/t2", 412, `{"title":"Precondition Failed","detail":"it was changed in the meantime","code":"stale"}`)
	r := l.run("apply", "-f", file, "--yes", "--prune")
	if got, want := l.nsc.writes(), []string{`PATCH /t1 "4"`, `PATCH /t2 "4"`}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	for _, want := range []string{
		"updated prod/first: t1\n", "not done: update prod/second\nnot done: add prod/third\nnot done: remove prod/fourth\n",
		"nsc: workspace prod: update second: it was changed in the meantime\nsee what is left: nsc plan",
	} {
		if r.status != failure.Failed || !strings.Contains(r.talk, want) {
			t.Errorf("status %d, no %q in\n%s", r.status, want, r.talk)
		}
	}
	r = l.run("apply", "-f", file, "--yes", "--prune", "-o", "json")
	var shown shownPlan
	if err := json.Unmarshal([]byte(r.out), &shown); err != nil || r.status != failure.Failed {
		t.Fatalf("%v, %+v", err, r)
	}
	for _, c := range shown.Workspaces[0].Changes {
		if c.Done != (c.Name == "first") {
			t.Errorf("%s is said to be done: %v", c.Name, c.Done)
		}
	}
}

func TestApplyAsks(t *testing.T) {
	l, file := newManifestLab(t)
	l.stdin = "yes\n"
	if r := l.run("apply", "-f", file); r.status != failure.Misused || !strings.Contains(r.talk, "nobody is there to ask") {
		t.Errorf("%+v", r)
	}
	l.fails(failure.Misused, "--yes is missing", "apply", "-f", file, "-o", "json")
	l.fails(failure.Misused, "--file is missing", "apply", "--yes")
	if got := l.nsc.writes(); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// The trusts of an issuer move along with its key source, and their revisions with them.
func TestApplyFollowsAKeySource(t *testing.T) {
	l, _ := newManifestLab(t)
	source := ", key_source: {kind: jwks_url, url: \"https://a.example.com/keys\"}}\n"
	file := l.write("keys.yaml", strings.ReplaceAll(declared, "}\n", source))
	moved := strings.NewReplacer(`"revision":4`, `"revision":9`, `{"kind":"discovery"}`, `{"kind":"jwks_url","url":"https://a.example.com/keys"}`)
	l.nsc.answer("GET "+trustsRoute+"/t2", 200, moved.Replace(keptJSON("t2", "ci:acme/b", "federation/second")))
	l.ok("apply", "-f", file, "--yes")
	if got, want := l.nsc.writes(), []string{`PATCH /t1 "4"`, `PATCH /t2 "9"`, "POST"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	l.nsc.answer("GET "+trustsRoute+"/t2", 200, moved.Replace(keptJSON("t2", "ci:acme/evil", "federation/second")))
	r := l.run("apply", "-f", file, "--yes")
	if got := l.nsc.writes(); len(got) != 1 || r.status != failure.Failed || !strings.Contains(r.talk, "second was changed in the meantime") {
		t.Errorf("%q, %+v", got, r)
	}
}

func TestPlanRefusesWhatItCannotRead(t *testing.T) {
	l, file := newManifestLab(t)
	wrong := l.write("wrong.yaml", strings.Replace(declared, "manifest", "manifst", 1))
	l.fails(failure.Misused, "wrong.yaml:2: manifst is not known; did you mean manifest?", "plan", "-f", wrong)
	l.fails(failure.Misused, ".none.yaml: cannot be read: no such file or directory", "plan", "-f", file+".none.yaml")
	if got := l.nsc.all(); len(got) > 0 {
		t.Errorf("the server was asked: %v", got)
	}
}

// Nothing of a trust is lost between the API and a manifest.
func TestManifestsKnowAllOfATrust(t *testing.T) {
	var whole api.Trust
	fill := func(v reflect.Value) {
		for i := range v.NumField() {
			switch f := v.Field(i).Addr().Interface().(type) {
			case *string:
				*f = "x" + v.Type().Field(i).Name
			case *bool:
				*f = true
			case *time.Time:
				*f = noon
			case *map[string]string:
				*f = map[string]string{"groups": "x"}
			case *[]api.Grant:
				*f = []api.Grant{{ResourceType: "a", ResourceID: "b", Actions: []string{"c"}}}
			}
		}
	}
	fill(reflect.ValueOf(&whole).Elem())
	fill(reflect.ValueOf(&whole.KeySource).Elem())
	change := reflect.ValueOf(declaration(kept(whole)[0]))
	for i := range change.NumField() {
		name := change.Type().Field(i).Name
		if want := reflect.ValueOf(whole).FieldByName(name).Interface(); !reflect.DeepEqual(change.Field(i).Elem().Interface(), want) {
			t.Errorf("%s: %v; want %v", name, change.Field(i).Elem(), want)
		}
	}
}
