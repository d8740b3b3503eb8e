package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/preset"
)

const trustsRoute = "/api/v1/workspaces/prod/trust-relationships"

const trustAnswer = `{"id":"t1","issuer":"https://issuer.example.com","subject_match":"repo:acme/*","audience":"","grants":[{"resource_type":"audience","resource_id":"vault","actions":["issue"]}],
	"default_token_duration":"1h0m0s","max_token_duration":"26h0m0s","max_external_lifetime":"24h0m0s","single_use":true,"enabled":false,
	"mappings":{"groups":"claims.groups","attributes.team":"claims.team"},"condition":"claims.x == 1","description":"CI",
	"key_source":{"kind":"jwks_url","url":"https://keys.example.com/jwks","ca":"PEM"},"version":3,"revision":4,
	"created_by":"workspace/prodid/user/me","created_at":"2026-01-31T11:00:00Z","updated_at":"2026-01-31T11:59:00Z","warnings":["too wide","and late"]}`

func newTrustLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST "+trustsRoute, 201, trustAnswer)
	l.nsc.answer("GET "+trustsRoute, 200, `{"items":[`+trustAnswer+`]}`)
	l.nsc.answer("GET "+trustsRoute+"/t1", 200, trustAnswer)
	l.nsc.answer("PATCH "+trustsRoute+"/t1", 200, trustAnswer)
	l.nsc.answer("DELETE "+trustsRoute+"/t1", 204, "")
	return l
}

func TestTrustAddPrintsTheID(t *testing.T) {
	l := newTrustLab(t)
	r := l.run("auth", "trust-relationships", "add", "--issuer", "i", "--subject-match", "a:b")
	if r.status != failure.Done || r.out != "t1\n" || r.talk != "warning: too wide\nwarning: and late\n" {
		t.Errorf("%+v", r)
	}
	var printed map[string]any
	if err := json.Unmarshal([]byte(l.ok("auth", "trust-relationships", "add", "--issuer", "i", "--subject-match", "a:b", "-o", "json")), &printed); err != nil || printed["id"] != "t1" {
		t.Errorf("%v, %v", printed, err)
	}
}

// TestTrustFlags holds what is sent for which flags, and that nothing else is.
func TestTrustFlags(t *testing.T) {
	l := newTrustLab(t)
	keys := l.write("keys.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	ca := l.write("ca.pem", testCA)
	keySet := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	grant := `{"resource_type":"audience","resource_id":"vault","actions":["issue"]}`
	grantSent := map[string]any{"resource_type": "audience", "resource_id": "vault", "actions": []any{"issue"}}
	for name, c := range map[string]struct {
		args []string
		want map[string]any
	}{
		"texts": {[]string{"--audience", "a", "--condition", "true", "--description", ""},
			map[string]any{"audience": "a", "condition": "true", "description": ""}},
		"one grant":      {[]string{"--grant", grant}, map[string]any{"grants": []any{grantSent}}},
		"several grants": {[]string{"--grant", grant, "--grant", grant}, map[string]any{"grants": []any{grantSent, grantSent}}},
		"durations": {[]string{"--default_token_duration", "3600s", "--max_token_duration", "1d", "--max_external_lifetime", "2w"},
			map[string]any{"default_token_duration": "1h0m0s", "max_token_duration": "24h0m0s", "max_external_lifetime": "336h0m0s"}},
		"mappings": {[]string{"--map", `groups=["a=b", "c,d"]`, "--map", "attributes.team = claims.team"},
			map[string]any{"mappings": map[string]any{"groups": `["a=b", "c,d"]`, "attributes.team": "claims.team"}}},
		"switches":         {[]string{"--single-use", "--allow-shared-audience", "--accept-delegation"}, map[string]any{"single_use": true, "allow_shared_audience": true, "accept_delegation": true}},
		"switched off":     {[]string{"--single-use=false", "--accept_delegation=false"}, map[string]any{"single_use": false, "accept_delegation": false}},
		"enabled":          {[]string{"--enabled"}, map[string]any{"enabled": true}},
		"disabled":         {[]string{"--disabled"}, map[string]any{"enabled": false}},
		"enabled=false":    {[]string{"--enabled=false"}, map[string]any{"enabled": false}},
		"key set by URL":   {[]string{"--jwks-url", "https://k"}, map[string]any{"key_source": map[string]any{"kind": "jwks_url", "url": "https://k"}}},
		"key set uploaded": {[]string{"--jwks-file", keys, "--jwks-not-after", "30d"}, map[string]any{"key_source": map[string]any{"kind": "jwks", "jwks": keySet, "not_after": "2026-03-02T12:00:00Z"}}},
		"uploaded, until":  {[]string{"--jwks-file", keys, "--jwks_not_after", "2026-02-01T00:00:00Z"}, map[string]any{"key_source": map[string]any{"kind": "jwks", "jwks": keySet, "not_after": "2026-02-01T00:00:00Z"}}},
		"private CA":       {[]string{"--issuer-ca-file", ca}, map[string]any{"key_source": map[string]any{"kind": "discovery", "ca": testCA}}},
		"CA of key set":    {[]string{"--issuer-ca-file", ca, "--jwks-url", "https://k"}, map[string]any{"key_source": map[string]any{"kind": "jwks_url", "url": "https://k", "ca": testCA}}},
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			l.ok(append([]string{"auth", "trust-relationships", "add", "--issuer", "i", "--subject-match", "repo:*"}, c.args...)...)
			c.want["issuer"], c.want["subject_match"] = "i", "repo:*"
			if sent := l.nsc.last(); sent.method != "POST" || !reflect.DeepEqual(sent.body, c.want) {
				t.Errorf("sent %v, want %v", sent.body, c.want)
			}
		})
	}
}

func TestTrustUpdateSendsOnlyWhatChanges(t *testing.T) {
	l := newTrustLab(t)
	ca := l.write("ca.pem", testCA)
	for args, want := range map[string]map[string]any{
		"t1 --disabled":                    {"enabled": false},
		"t1 --accept-delegation":           {"accept_delegation": true},
		"--id t1 --max_token_duration 2h":  {"max_token_duration": "2h0m0s"},
		"t1 --id t1 --audience=":           {"audience": ""},
		"t1 --issuer-ca-file " + ca:        {"key_source": map[string]any{"kind": "jwks_url", "url": "https://keys.example.com/jwks", "ca": testCA}},
		"t1 --issuer-ca-file=":             {"key_source": map[string]any{"kind": "jwks_url", "url": "https://keys.example.com/jwks"}},
		"t1 --discovery":                   {"key_source": map[string]any{"kind": "discovery", "ca": "PEM"}},
		"t1 --discovery --issuer-ca-file=": {"key_source": map[string]any{"kind": "discovery"}},
		"t1 --jwks-url https://k":          {"key_source": map[string]any{"kind": "jwks_url", "url": "https://k", "ca": "PEM"}},
	} {
		r := l.run(append([]string{"auth", "trust-relationships", "update"}, strings.Fields(args)...)...)
		sent := l.nsc.last()
		if r.status != failure.Done || r.out != "" || !strings.Contains(r.talk, "updated t1: version 3") || sent.method != "PATCH" || !reflect.DeepEqual(sent.body, want) {
			t.Errorf("update %s: %+v, sent %v, want %v", args, r, sent.body, want)
		}
	}
	l.fails(failure.Misused, "there is nothing to change", "auth", "trust-relationships", "update", "t1")
}

func TestTrustListAndDescribe(t *testing.T) {
	l := newTrustLab(t)
	out := l.ok("auth", "trust-relationships", "list")
	if want := "ID  STATE                     ISSUER                      SUBJECT      DESCRIPTION\n" +
		"t1  disabled, each token once  https://issuer.example.com  repo:acme/*  CI\n"; !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(want), " ")) {
		t.Errorf("%s", out)
	}
	out = l.ok("auth", "trust-relationships", "describe", "t1")
	for _, want := range []string{"the workspace's issuer\n", "attributes.team = claims.team\n", "groups = claims.groups\n", "audience vault: issue\n",
		"last 1h, or as asked for up to 1d2h\n", "may live 1d at most\n", "https://keys.example.com/jwks, with its own certificate authority\n", "(1h ago) by workspace/prodid/user/me\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	l.nsc.answer("GET "+trustsRoute+"/t1", 200, strings.Replace(trustAnswer, `"single_use":true`, `"accept_delegation":true`, 1))
	if out := l.ok("auth", "trust-relationships", "describe", "t1"); !strings.Contains(out, "disabled, the issuer says who acts\n") {
		t.Errorf("%s", out)
	}
	l.nsc.answer("GET "+trustsRoute, 200, `{"items":[]}`)
	if r := l.run("auth", "trust-relationships", "list", "-o", "json"); r.out != "[]\n" || !strings.Contains(r.talk, "prod trusts nobody yet") {
		t.Errorf("%+v", r)
	}
}

func TestTrustListLeavesOut(t *testing.T) {
	l := newTrustLab(t)
	l.nsc.answer("GET "+trustsRoute, 200, `{"items":[
		{"id":"t1","issuer":"https://a.example.com","subject_match":"s:1","audience":""},
		{"id":"t2","issuer":"https://a.example.com","subject_match":"s:2","audience":"x:y"},
		{"id":"t3","issuer":"https://b.example.com","subject_match":"s:1","audience":"x:y"}]}`)
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, "t1 t2 t3"},
		{[]string{"--issuer", "https://a.example.com"}, "t1 t2"},
		{[]string{"--issuer", "https://a.example.com/"}, ""},
		{[]string{"--subject_match", "s:1"}, "t1 t3"},
		{[]string{"--audience", "x:y", "--issuer", "https://a.example.com"}, "t2"},
		{[]string{"--audience", l.nsc.issuer("prod")}, "t1"},
	} {
		r := l.run(append([]string{"auth", "trust-relationships", "list", "-o", "json"}, row.args...)...)
		var listed []struct{ ID string }
		if err := json.Unmarshal([]byte(r.out), &listed); err != nil {
			t.Fatalf("%v: %v in %+v", row.args, err, r)
		}
		var ids []string
		for _, trust := range listed {
			ids = append(ids, trust.ID)
		}
		if got := strings.Join(ids, " "); got != row.want {
			t.Errorf("%v: %s, want %s", row.args, got, row.want)
		}
		if row.want == "" && !strings.Contains(r.talk, "prod has no such trust relationship") {
			t.Errorf("%v: %+v", row.args, r)
		}
	}
}

func TestTrustRemove(t *testing.T) {
	l := newTrustLab(t)
	for _, args := range [][]string{{"t1"}, {"--id", "t1"}} {
		r := l.run(append([]string{"auth", "trust-relationships", "remove"}, args...)...)
		if c := l.nsc.last(); r.status != failure.Done || c.method != "DELETE" || !strings.HasPrefix(r.talk, "removed t1") {
			t.Errorf("%+v, %+v", r, c)
		}
	}
	r := l.fails(failure.Failed, "there is no trust relationship t2 in prod", "auth", "trust-relationships", "remove", "t2")
	if !strings.Contains(r.talk, "nsc auth trust-relationships list --workspace prod") {
		t.Errorf("%s", r.talk)
	}
}

func TestTrustInvalidField(t *testing.T) {
	l := newTrustLab(t)
	l.nsc.answer("POST "+trustsRoute, 422, `{"title":"Unprocessable Entity","detail":"subject_match: \"*\" admits everybody","code":"invalid_field","field":"subject_match"}`)
	l.fails(failure.Failed, `subject_match: "*" admits everybody`, "auth", "trust-relationships", "add", "--issuer", "i", "--subject-match", "*")
}

func TestTrustFilesAreRead(t *testing.T) {
	l := newTrustLab(t)
	no := l.write("no.pem", "nothing")
	for want, args := range map[string][]string{
		"the file of --jwks-file cannot be read":      {"--jwks-file", "/none", "--jwks-not-after", "1d"},
		"is not a key set that nsc can use":           {"--jwks-file", no, "--jwks-not-after", "1d"},
		"has a private key in it":                     {"--jwks-file", l.write("private.json", `{"keys":[{"kty":"EC","d":"AAAA"}]}`), "--jwks-not-after", "1d"},
		"can use: malformed: more than 100 keys":      {"--jwks-file", l.write("many.json", `{"keys":[1`+strings.Repeat(",1", 100)+`]}`), "--jwks-not-after", "1d"},
		"the file of --issuer-ca-file cannot be read": {"--issuer-ca-file", "/none"},
		"holds no certificate":                        {"--issuer-ca-file", no},
	} {
		l.fails(failure.Misused, want, append([]string{"auth", "trust-relationships", "add", "--issuer", "i"}, args...)...)
	}
}

// A preset's parameter is a flag of its own: one that every command has, or is another spelling of one, would take its value.
func TestParametersOfPresetsAreNoOtherFlags(t *testing.T) {
	global := Commands().PersistentFlags()
	for _, p := range preset.All() {
		for _, name := range p.Names() {
			if normal := string(normalFlag(nil, name)); normal != name || global.Lookup(name) != nil {
				t.Errorf("%s: --%s is --%s of every command", p.Name, name, normal)
			}
		}
	}
}

// A dry run refuses what add would refuse, and warns as it would, without a server.
func TestTrustDryRun(t *testing.T) {
	l := newLab(t)
	for args, want := range map[string]string{
		"--subject-match * --grant " + vault:                                                  "subject_match: ",
		"--subject-match a:b* --audience * --grant " + vault:                                  "audience: ",
		"--subject-match a:b --audience sts.amazonaws.com --grant " + vault:                   "audience: admits tokens for sts.amazonaws.com",
		"--subject-match a:b --default_token_duration 200h":                                   "max_token_duration: ",
		"--subject-match a:b --condition x":                                                   "condition: ",
		"--subject-match a:b --map sub=claims.sub":                                            "mappings",
		`--subject-match a:b --grant {"resource_type":"x","resource_id":"y","actions":["z"]}`: "grants[0]",
	} {
		l.fails(failure.Failed, want, append([]string{"auth", "trust-relationships", "add", "--issuer", "https://i.example.com", "--dry-run"}, strings.Fields(args)...)...)
	}
	for args, want := range map[string]string{
		"--subject-match a:b --grant " + vault:                                                      "nothing was registered (--dry-run)\n",
		"--subject-match a:b --audience sts.amazonaws.com --allow-shared-audience --grant " + vault: "nothing was registered (--dry-run)\n",
		"--subject-match a:b": "nothing was registered (--dry-run)\nwarning: grants: there are none; the tokens will open nothing\n",
	} {
		r := l.run(append([]string{"auth", "trust-relationships", "add", "--issuer", "https://i.example.com", "--dry-run"}, strings.Fields(args)...)...)
		if r.status != failure.Done || r.talk != want {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("the server was called: %+v", calls)
	}
}

const vault = `{"resource_type":"audience","resource_id":"vault","actions":["issue"]}`
