package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

const workspaceAnswer = `{"workspace_id":"farid","name":"far","issuer":"https://nsc.example.com/w/far","created_at":"2026-01-31T11:00:00Z"}`

// TestWorkspaceCreateMakesTheCallerItsOwner: he administers it from the sign-in that he has.
func TestWorkspaceCreateMakesTheCallerItsOwner(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /api/v1/workspaces", 201, workspaceAnswer)
	if out := l.ok("workspace", "create", "far"); out != "far\n" {
		t.Errorf("%q", out)
	}
	calls := l.nsc.all()
	if len(calls) != 3 || calls[1].path != "/w/system/token" {
		t.Fatalf("%+v", calls)
	}
	want := map[string]any{"name": "far", "owner": map[string]any{"issuer": l.nsc.issuer("prod"), "subject": "workspace/prodid/user/me"}}
	if !reflect.DeepEqual(calls[2].body, want) {
		t.Errorf("sent %v, want %v", calls[2].body, want)
	}
	l.ok("workspace", "create", "far", "--owner-issuer", "i", "--owner-subject", "s")
	if c := l.nsc.last(); !reflect.DeepEqual(c.body["owner"], map[string]any{"issuer": "i", "subject": "s"}) {
		t.Errorf("sent %v", c.body)
	}
	l.nsc.answer("POST /api/v1/workspaces", 409, `{"title":"Conflict","detail":"it exists already","code":"conflict"}`)
	l.fails(failure.Failed, "it exists already", "workspace", "create", "far")
}

func TestWorkspaceListIsAnOperatorsOrAMembers(t *testing.T) {
	l := newLab(t)
	token := l.signIn(l.file("token.json"), "prod")
	l.env["NSC_WORKSPACE"] = "prod"
	l.nsc.answer("GET /api/v1/workspaces", 200, `{"items":[`+workspaceAnswer+`]}`)
	if out := l.ok("workspace", "list"); !strings.Contains(out, "far   farid  https://nsc.example.com/w/far") {
		t.Errorf("%s", out)
	}
	if c := l.nsc.last(); c.bearer == token {
		t.Error("an operator was not asked for")
	}
	l.ok("auth", "logout")
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /w/system/token", 400, `{"error":"invalid_request","code":"token_refused"}`)
	l.ok("workspace", "list")
	if c := l.nsc.last(); c.path != "/api/v1/workspaces" || c.bearer != l.stored(l.file("token.json")).BearerToken {
		t.Errorf("%+v", c)
	}
}

func TestWorkspaceDescribeNeedsNoSignIn(t *testing.T) {
	l := newLab(t)
	l.env["NSC_URL"] = l.nsc.URL
	l.nsc.answer("GET /api/v1/workspaces/far", 200, workspaceAnswer)
	for _, args := range [][]string{{"far"}, {"--workspace", "far"}} {
		out := l.ok(append([]string{"workspace", "describe"}, args...)...)
		if !strings.Contains(out, "Token endpoint  https://nsc.example.com/w/far/token\n") {
			t.Errorf("%s", out)
		}
		if c := l.nsc.last(); c.bearer != "" {
			t.Errorf("%+v", c)
		}
	}
	l.env["NSC_WORKSPACE"] = "far"
	var printed map[string]any
	if err := json.Unmarshal([]byte(l.ok("workspace", "describe", "-o", "json")), &printed); err != nil || printed["issuer"] != "https://nsc.example.com/w/far" {
		t.Errorf("%v, %v", printed, err)
	}
	l.fails(failure.Failed, "there is no workspace none at "+l.nsc.URL, "workspace", "describe", "none")
	delete(l.env, "NSC_WORKSPACE")
	l.fails(failure.Refused, "no workspace is named, and there is no sign-in to take it from: not signed in", "workspace", "describe")
}

func TestKeys(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/keys", 200, `{"items":[
		{"key_id":"k1","algorithm":"ES256","state":"active","active_at":"2026-01-01T00:00:00Z","retire_at":"2026-02-01T12:00:00Z","gone_at":"2026-02-02T00:00:00Z"},
		{"key_id":"k2","algorithm":"ES256","state":"published","active_at":"2026-02-01T12:00:00Z"},
		{"key_id":"k0","algorithm":"ES256","state":"retiring","active_at":"2026-01-01T00:00:00Z","gone_at":"2026-01-31T13:00:00Z"}]}`)
	out := l.ok("keys", "list")
	for _, want := range []string{"k1  ES256      active     signs until a successor does, in 1d", "k2  ES256      published  signs in 1d", "k0  ES256      retiring   leaves the key set in 1h"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	l.nsc.answer("POST /api/v1/workspaces/prod/keys/rotate", 200, `{"key":{"key_id":"k3","algorithm":"RS256","state":"published","active_at":"2026-02-01T12:00:00Z"}}`)
	r := l.run("keys", "rotate", "--alg", "rs256", "--compromised", "--key-id", "k1")
	if r.out != "k3\n" || r.talk != "published RS256 key k3; it signs in 1d\n" {
		t.Errorf("%+v", r)
	}
	if c := l.nsc.last(); !reflect.DeepEqual(c.body, map[string]any{"algorithm": "RS256", "compromised": true, "key_id": "k1"}) {
		t.Errorf("%+v", c.body)
	}
	for want, counted := range map[string]string{
		"No living tokens are out of reach.\n": `[]`, "https://api.example.com  2       in 1h": `[{"audience":"https://api.example.com","count":2,"latest":"2026-01-31T13:00:00Z"}]`,
	} {
		l.nsc.answer("POST /api/v1/workspaces/prod/keys/rotate", 200, `{"key":{"key_id":"k3","algorithm":"RS256","state":"active"},"unreachable":`+counted+`}`)
		if r := l.run("keys", "rotate", "--compromised"); r.out != "k3\n" || !strings.Contains(r.talk, want) {
			t.Errorf("%s: %+v", counted, r)
		}
		if out := l.ok("keys", "rotate", "--compromised", "-o", "json"); !strings.Contains(out, `"key_id": "k3"`) || !strings.Contains(out, `"unreachable": [`) {
			t.Errorf("%s", out)
		}
	}
	l.nsc.answer("POST /api/v1/workspaces/prod/keys/rotate", 200, `{}`)
	if r := l.run("keys", "rotate"); r.status != failure.Done || !strings.Contains(r.talk, "no successor") {
		t.Errorf("%+v", r)
	}
	l.nsc.answer("POST /api/v1/workspaces/prod/keys/rotate", 409, `{"title":"Conflict","detail":"k2 is published already","code":"conflict"}`)
	r = l.fails(failure.Failed, "k2 is published already", "keys", "rotate")
	if !strings.Contains(r.talk, "--compromised") {
		t.Errorf("%s", r.talk)
	}
}

const eventAnswer = `{"id":"e1","time":"2026-01-31T11:00:00Z","workspace_id":"prodid","kind":"token.issued","subject":"workspace/prodid/external/h/x",
	"token":{"type":"id_token","audience":"vault"},"upstream":{"issuer":"https://issuer.example.com","subject":"repo:acme\u001b/app"},"details":{"a":"b"}}`

func TestAuditSearch(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/events", 200, `{"items":[`+eventAnswer+`]}`)
	out := l.ok("audit", "search", "--since", "1h", "--until", "2026-01-31T12:00:00Z", "--kind", "token.issued", "--kind", "token.reissued",
		"--subject", "external/h/x", "--trust", "t1", "--jti", "j1", "--limit", "5")
	if want := `token.issued  external/h/x  id token for vault, shown by repo:acme\u001b/app of https://issuer.example.com`; !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, out)
	}
	want := url.Values{
		"since": {"2026-01-31T11:00:00Z"}, "until": {"2026-01-31T12:00:00Z"}, "kind": {"token.issued", "token.reissued"},
		"subject": {"workspace/prodid/external/h/x"}, "trust": {"t1"}, "token_id": {"j1"}, "limit": {"5"},
	}
	if c := l.nsc.last(); c.query != want.Encode() {
		t.Errorf("asked %s, want %s", c.query, want.Encode())
	}
	var printed []map[string]any
	if err := json.Unmarshal([]byte(l.ok("audit", "search", "-o", "json")), &printed); err != nil || len(printed) != 1 || printed[0]["id"] != "e1" {
		t.Errorf("%v, %v", printed, err)
	}
	l.nsc.answer("GET /api/v1/workspaces/prod/events", 200, `{"items":[`+eventAnswer+`],"next":"e1"}`)
	if r := l.run("audit", "search", "--limit", "1"); !strings.Contains(r.talk, "these are the newest 1; --limit shows more") {
		t.Errorf("%+v", r)
	}
	l.nsc.answer("GET /api/v1/workspaces/prod/events", 200, `{"items":[]}`)
	if r := l.run("audit", "search"); r.out != "" || r.talk != "nothing of the kind is on the record\n" {
		t.Errorf("%+v", r)
	}
}

func TestAuditCount(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/events/count", 200, `{"count":42}`)
	if out := l.ok("audit", "search", "--count", "--kind", "token.issued"); out != "42\n" {
		t.Errorf("%q", out)
	}
	var printed struct{ Count int }
	if err := json.Unmarshal([]byte(l.ok("audit", "search", "--count", "-o", "json")), &printed); err != nil || printed.Count != 42 {
		t.Errorf("%+v, %v", printed, err)
	}
}

func TestVersion(t *testing.T) {
	l := newLab(t)
	if out := l.ok("version"); !strings.HasPrefix(out, "nsc ") || strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
	var printed version
	if err := json.Unmarshal([]byte(l.ok("version", "-o", "json")), &printed); err != nil || printed.Go == "" || printed.Platform == "" || printed.Version == "" {
		t.Errorf("%+v, %v", printed, err)
	}
}

func TestConfigCheck(t *testing.T) {
	l := newLab(t)
	file := l.write("nsc.yaml", "listen: 127.0.0.1:9000\ndatabase: postgres://me:hunter2@db/nsc?password=hunter2\n")
	r := l.run("config", "check", "--config", file, "--data-dir", "/data")
	if r.status != failure.Done || !strings.Contains(r.out, "127.0.0.1:9000") || !strings.Contains(r.out, "/data") || strings.Contains(r.out, "hunter2") {
		t.Errorf("%+v", r)
	}
	l.env["NSC_CONFIG"] = l.write("bad.yaml", "lisen: x\n")
	l.fails(failure.Misused, "unknown key lisen; did you mean listen?", "config", "check")
}

// TestAuditTailFollowsUntilItIsInterrupted: each event is shown once, and the end is no failure.
func TestAuditTailFollowsUntilItIsInterrupted(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/log", 200, `{"size":7}`)
	ctx, interrupt := context.WithCancel(t.Context())
	asked := 0
	l.nsc.answerBy("GET /api/v1/workspaces/prod/log/entries", func(query string) string {
		asked++
		switch query {
		case "from=5&limit=1000":
			return `{"items":[{"index":5,"id":"e5","erased":true},{"index":6,"id":"e6","event":"{\"v\":1,\"id\":\"e6\",\"time\":1772600767000000,\"kind\":\"token.issued\",\"token\":{\"id\":\"e6\",\"type\":\"id_token\",\"audience\":\"vault\",\"expires_at\":1772600767000000}}"}]}`
		case "from=7&limit=1000":
			interrupt() // while it waits for more
			return `{"items":[]}`
		}
		t.Errorf("asked for %s", query)
		return `{}`
	})
	var out bytes.Buffer
	p := newProgram(strings.NewReader(""), &out, io.Discard, func(name string) string { return l.env[name] }, func() time.Time { return l.now })
	if status := p.run(ctx, []string{"audit", "tail", "-n", "2", "-o", "json"}); status != failure.Done || asked != 2 {
		t.Errorf("status %d, asked %d times", status, asked)
	}
	var e map[string]any
	if err := json.Unmarshal(out.Bytes(), &e); err != nil || e["id"] != "e6" || e["time"] != "2026-03-04T05:06:07Z" ||
		e["token"].(map[string]any)["expires_at"] != "2026-03-04T05:06:07Z" {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestVersionByFlag(t *testing.T) {
	l := newLab(t)
	for flag, line := range map[string]string{"--version": "version", "-v": "version", "--version -o json": "version -o json"} {
		if got, want := l.ok(strings.Fields(flag)...), l.ok(strings.Fields(line)...); got != want || !strings.Contains(got, "go1.") {
			t.Errorf("nsc %s prints %q, nsc %s %q", flag, got, line, want)
		}
	}
	l.fails(failure.Misused, `there is no command "nothing"`, "--version", "nothing")
}

// A key that is to sign at once may do so by clocks that are behind. It has not signed before it was made.
func TestAKeyHasSignedSinceItWasMade(t *testing.T) {
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	for rule, row := range map[string]struct{ made, active, want time.Time }{
		"at once":         {at(0), at(-5 * time.Minute), at(0)},
		"published ahead": {at(-24 * time.Hour), at(0), at(0)},
	} {
		line := (&program{now: time.Now}).keyLine(api.Key{State: "active", CreatedAt: row.made, ActiveAt: row.active})
		if want := "has signed since " + clock(row.want); line != want {
			t.Errorf("%s: %s, want %s", rule, line, want)
		}
	}
}
