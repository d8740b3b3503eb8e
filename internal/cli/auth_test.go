package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// TestIssueIDTokenPrintsTheBareToken: a shell's substitution makes a clean header of it.
func TestIssueIDTokenPrintsTheBareToken(t *testing.T) {
	l := newLab(t)
	bearer := l.signIn(l.file("token.json"), "prod")
	r := l.run("auth", "issue-id-token", "--audience", "https://your-service.example.com")
	token, rest, ok := strings.Cut(r.out, "\n")
	if r.status != failure.Done || !ok || rest != "" || strings.Count(token, ".") != 2 || r.talk != "" {
		t.Errorf("status %d, printed %q, said %q", r.status, r.out, r.talk)
	}
	c := l.nsc.last()
	if c.path != "/w/prod/token" || c.form["subject_token"] != bearer || c.form["audience"] != "https://your-service.example.com" {
		t.Errorf("%+v", c)
	}
	for _, absent := range []string{"expires_in", "id_token_signed_response_alg"} {
		if value, sent := c.form[absent]; sent {
			t.Errorf("sent %s=%s unasked", absent, value)
		}
	}
}

func TestIssueIDTokenFlags(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	var printed issuedToken
	out := l.ok("auth", "issue-id-token", "--audience", "api://AzureADTokenExchange", "--alg", "rs256", "--duration", "10m", "-o", "json")
	if err := json.Unmarshal([]byte(out), &printed); err != nil {
		t.Fatal(err)
	}
	if c := l.nsc.last(); c.form["expires_in"] != "600" || c.form["id_token_signed_response_alg"] != "RS256" {
		t.Errorf("%+v", c)
	}
	if printed.Audience != "api://AzureADTokenExchange" || printed.Workspace != "prod" || !printed.ExpiresAt.Equal(noon.Add(15*time.Minute)) || printed.IDToken == "" {
		t.Errorf("%+v", printed)
	}
}

func TestIssueIDTokenRefused(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /w/prod/token", 400, `{"error":"invalid_target","error_description":"the caller may not have a token for this audience","code":"invalid_target","refusal_id":"r1"}`)
	r := l.fails(failure.Refused, "(refusal r1)", "auth", "issue-id-token", "--audience", "vault")
	if !strings.Contains(r.talk, `{"resource_type":"audience","resource_id":"vault","actions":["issue"]}`) {
		t.Errorf("%s", r.talk)
	}
}

func (l *lab) externalToken(audience string) string {
	return l.nsc.sign(fmt.Sprintf(`{"iss":"https://issuer.example.com","sub":"s","aud":%q,"iat":1,"exp":2}`, audience))
}

func TestExchangePrintsTheWorkspace(t *testing.T) {
	l := newLab(t)
	theirs := l.externalToken(l.nsc.issuer("prod"))
	file := l.write("theirs.jwt", theirs+"\n")
	for name, args := range map[string][]string{
		"argument": {"--token", theirs}, "standard input": {"--token", "-"}, "file": {"--token-file", file},
	} {
		t.Run(name, func(t *testing.T) {
			l.stdin = "\n " + theirs + "\r\n"
			r := l.run(append([]string{"auth", "exchange-oidc-token"}, args...)...)
			if r.status != failure.Done || r.out != "prod\n" || !strings.HasPrefix(r.talk, "signed in to prod at "+l.nsc.URL+" until ") {
				t.Errorf("%+v", r)
			}
			c := l.nsc.last()
			if c.path != "/token" || c.form["subject_token"] != theirs {
				t.Errorf("%+v", c)
			}
			state, err := os.Stat(l.file("token.json"))
			if err != nil || state.Mode() != 0o600 {
				t.Errorf("%v, %v", state, err)
			}
		})
	}
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	l.ok("auth", "whoami")
	if c := l.nsc.last(); c.bearer != l.stored(l.file("token.json")).BearerToken {
		t.Error("the next command does not use the sign-in")
	}
}

// TestExchangeFindsTheServer: the token is shown to whom it is for, never to whoever listens at a default address.
func TestExchangeFindsTheServer(t *testing.T) {
	l := newLab(t)
	other := newFakeServer(t)
	l.env["NSC_URL"] = l.nsc.URL
	l.ok("auth", "exchange-oidc-token", "--token", l.externalToken(other.issuer("prod")))
	if len(other.all()) != 0 {
		t.Error("the server that was named is not the one that was called")
	}
	delete(l.env, "NSC_URL")
	l.ok("auth", "exchange-oidc-token", "--token", l.externalToken(other.issuer("prod")))
	if len(other.all()) != 1 {
		t.Error("the server of the token's audience was not called")
	}
	l.ok("auth", "exchange-oidc-token", "--token", l.externalToken("something-else"), "--workspace", "prod")
	if len(other.all()) != 1 {
		t.Error("the server of the present sign-in was not called")
	}
}

func TestExchangeIntoNamedFiles(t *testing.T) {
	l := newLab(t)
	l.env["NSC_URL"] = l.nsc.URL
	for args, file := range map[string]string{
		"":                             l.file("token.json"),
		"--workspace prod":             l.file("token_prod.json"),
		"--tenant_id other":            l.file("token_other.json"),
		"--keychain ci":                l.file("keychain", "ci.json"),
		"--keychain ci2 --workspace x": l.file("keychain", "ci2.json"),
	} {
		var printed signedInTo
		out := l.ok(append([]string{"auth", "exchange-oidc-token", "--token", "theirs", "-o", "json"}, strings.Fields(args)...)...)
		if err := json.Unmarshal([]byte(out), &printed); err != nil || printed.File != file || printed.Subject == "" || printed.Issuer == "" {
			t.Errorf("%q: %+v, %v", args, printed, err)
		}
		if l.stored(file).BearerToken == "" {
			t.Errorf("%q: nothing in %s", args, file)
		}
	}
	l.env["NSC_WORKSPACE"] = "byenv"
	l.ok("auth", "exchange-oidc-token", "--token", "theirs")
	if c := l.nsc.last(); c.path != "/w/byenv/token" {
		t.Errorf("%+v", c)
	}
	l.stored(l.file("token_byenv.json"))
}

func TestRule38ExchangeNeverWritesTheVariablesFile(t *testing.T) {
	l := newLab(t)
	l.env["NSC_URL"] = l.nsc.URL
	path := l.write("mine.json", "precious")
	l.env["NSC_TOKEN_FILE"] = path
	r := l.run("auth", "exchange-oidc-token", "--token", "theirs")
	if r.status != failure.Done || !strings.Contains(r.talk, "warning: later commands will use "+path+" (NSC_TOKEN_FILE) instead") {
		t.Errorf("%+v", r)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	l.stored(l.file("token.json"))
}

// Rule 38: nor does it where the variable names a file of the user's own folder, and then nothing is sent or removed either.
func TestRule38TheVariablesFileMayBeTheUsersOwn(t *testing.T) {
	l := newLab(t)
	for flags, path := range map[string]string{
		"": l.file("token.json"), "--workspace prod": l.file("token_prod.json"), "--keychain ci": l.file("keychain", "ci.json"),
	} {
		before := l.signIn(path, "prod")
		l.env["NSC_TOKEN_FILE"] = path
		args := append([]string{"auth", "exchange-oidc-token", "--url", l.nsc.URL, "--token", "theirs"}, strings.Fields(flags)...)
		if r := l.fails(failure.Misused, "NSC_TOKEN_FILE names "+path, args...); !strings.Contains(r.talk, "unset NSC_TOKEN_FILE") {
			t.Errorf("%s", r.talk)
		}
		if r := l.run(append([]string{"auth", "logout"}, strings.Fields(flags)...)...); r.status != failure.Done || strings.Contains(r.talk, "removed") {
			t.Errorf("%+v", r)
		}
		if l.stored(path).BearerToken != before {
			t.Errorf("%s was written", path)
		}
		delete(l.env, "NSC_TOKEN_FILE")
	}
	l.env["NSC_TOKEN_FILE"] = l.file("keychain", "ci.json")
	l.fails(failure.Misused, "NSC_TOKEN_FILE names", "auth", "act-for", "--token", "theirs", "--save-as", "ci")
	if r := l.run("auth", "logout", "--all"); strings.Count(r.talk, "removed") != 2 {
		t.Errorf("%+v", r)
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
}

func TestExchangeRefused(t *testing.T) {
	l := newLab(t)
	l.env["NSC_URL"] = l.nsc.URL
	file := l.write("theirs.jwt", "theirs")
	l.nsc.answer("POST /token", 400, `{"error":"invalid_request","error_description":"names no workspace","code":"workspace_open"}`)
	r := l.fails(failure.Refused, "names no workspace", "auth", "exchange-oidc-token", "--token-file", file)
	if !strings.Contains(r.talk, "--workspace NAME") {
		t.Errorf("%s", r.talk)
	}
	l.nsc.answer("POST /w/prod/token", 400, `{"error":"invalid_request","error_description":"not admitted","code":"token_refused","refusal_id":"r1"}`)
	r = l.fails(failure.Refused, "not admitted (refusal r1)", "auth", "exchange-oidc-token", "--token-file", file, "--workspace", "prod")
	if !strings.Contains(r.talk, "nsc auth inspect --token-file "+file+" --workspace prod") {
		t.Errorf("%s", r.talk)
	}
	r = l.fails(failure.Refused, "not admitted", "auth", "exchange-oidc-token", "--token", "secret-of-mine", "--workspace", "prod")
	if strings.Contains(r.talk, "secret-of-mine") {
		t.Errorf("the token is repeated: %s", r.talk)
	}
	if _, err := os.Stat(filepath.Dir(l.file("x"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was stored: %v", err)
	}
}

// TestExchangeForAnotherWorkspaceThanTheAudiences: what was named in the environment long ago is easily forgotten.
func TestExchangeForAnotherWorkspaceThanTheAudiences(t *testing.T) {
	l := newLab(t)
	for _, refusal := range []struct {
		status int
		body   string
		exit   failure.Status
	}{
		{400, `{"error":"invalid_request","error_description":"not admitted","code":"token_refused","refusal_id":"r1"}`, failure.Refused},
		{404, `{"error":"invalid_request","error_description":"there is no workspace of this name","code":"not_found"}`, failure.Failed},
	} {
		l.nsc.answer("POST /w/far/token", refusal.status, refusal.body)
		args := []string{"auth", "exchange-oidc-token", "--token", l.externalToken(l.nsc.issuer("prod"))}
		l.env["NSC_WORKSPACE"] = "far"
		r := l.fails(refusal.exit, "no", args...)
		if !strings.Contains(r.talk, "names the workspace prod, while far was named by NSC_WORKSPACE: leave that out, or name prod") {
			t.Errorf("%s", r.talk)
		}
		delete(l.env, "NSC_WORKSPACE")
		if r := l.fails(refusal.exit, "no", append(args, "--workspace", "far")...); !strings.Contains(r.talk, "far was named by --workspace") {
			t.Errorf("%s", r.talk)
		}
	}
}

// TestExchangeWithoutAWorkspace: where nothing says which, no server is asked, and none is missed.
func TestExchangeWithoutAWorkspace(t *testing.T) {
	l := newLab(t)
	for _, token := range []string{l.externalToken("something-else"), "opaque"} {
		r := l.fails(failure.Misused, "which workspace to sign in to", "auth", "exchange-oidc-token", "--token", token)
		if !strings.Contains(r.talk, "--workspace NAME (or export NSC_WORKSPACE=NAME)") {
			t.Errorf("%s", r.talk)
		}
	}
}

func TestWhoAmI(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, `{"subject":"workspace/prodid/user/me","workspace":"prod","workspace_id":"prodid",
		"issuer":"i","client_id":"workspace/prodid/user/me","groups":["a\u001b[31m","b"],"expires_at":"2026-01-31T13:00:00Z",
		"grants":[{"resource_type":"workspace","resource_id":"*","actions":["admin"]},{"resource_type":"audience","resource_id":"vault","actions":["issue"]}]}`)
	out := l.ok("auth", "whoami")
	for _, want := range []string{"Subject    workspace/prodid/user/me\n", "(in 1h)\n", `a\u001b[31m, b`, "workspace *: admin\n           audience vault: issue\n", l.file("token.json")} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "Client") {
		t.Errorf("the caller's own name stands twice:\n%s", out)
	}
}

func TestCheckLogin(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	if out := l.ok("auth", "check-login"); !strings.HasPrefix(out, "signed in to prod until ") {
		t.Errorf("%s", out)
	}
	l.ok("auth", "check-login", "--for", "1h")
	l.fails(failure.Refused, "the sign-in to prod ends in 1h, not 2h from now or later", "auth", "check-login", "--for", "2h")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 401, `{"title":"Unauthorized","detail":"cut off","code":"unauthenticated"}`)
	l.fails(failure.Refused, "cut off", "auth", "check-login")
}

func TestLogout(t *testing.T) {
	l := newLab(t)
	if r := l.run("auth", "logout"); r.status != failure.Done || r.talk != "there was no sign-in to forget\n" {
		t.Errorf("%+v", r)
	}
	l.signIn(l.file("token.json"), "prod")
	l.signIn(l.file("keychain", "ci.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/far/whoami", 200, whoamiAnswer)
	l.ok("auth", "whoami", "--workspace", "far")
	l.env["NSC_TOKEN_FILE"] = l.write("mine.json", "precious")
	r := l.run("auth", "logout")
	if r.status != failure.Done || strings.Count(r.talk, "removed ") != 2 || !strings.Contains(r.talk, "warning: commands still use "+l.env["NSC_TOKEN_FILE"]) {
		t.Errorf("%+v", r)
	}
	l.fails(failure.Refused, "is not whole JSON", "auth", "whoami")
	if r := l.run("auth", "logout", "--all"); strings.Count(r.talk, "removed ") != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(l.env["NSC_TOKEN_FILE"]); err != nil {
		t.Error("the variable's file was removed")
	}
}

func TestInspect(t *testing.T) {
	l := newLab(t)
	token := l.nsc.sign(fmt.Sprintf(`{"iss":%q,"sub":"s\u001b[2J","aud":"https://nsc.example.com/w/prod","iat":%d,"exp":%d,"x":{"y":1}}`,
		l.nsc.URL, noon.Add(-time.Hour).Unix(), noon.Add(-3*time.Minute).Unix()))
	l.stdin = token
	for _, args := range [][]string{{token}, {"-"}, {"--token", "-"}, {"--token-file", l.write("t", token)}} {
		r := l.run(append([]string{"auth", "inspect", "--offline"}, args...)...)
		for _, want := range []string{"  alg  ES256\n", "(3m ago)\n", `s\u001b[2J`, `{"y":1}`, "not checked: --offline", "Wrong\n  it expired 3m ago\n    get a new one from its issuer"} {
			if !strings.Contains(r.out, want) {
				t.Errorf("%v: no %q in\n%s", args, want, r.out)
			}
		}
		if r.status != failure.Failed || r.talk != "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("--offline called %+v", calls)
	}
	r := l.run("auth", "inspect", token)
	if !strings.Contains(r.out, "not checked: ") || len(l.nsc.all()) == 0 {
		t.Errorf("the issuer was not asked: %s", r.out)
	}
	good := l.nsc.sign(fmt.Sprintf(`{"iss":%q,"sub":"s","aud":"https://nsc.example.com/w/prod","iat":%d,"exp":%d}`,
		l.nsc.URL, noon.Unix(), noon.Add(time.Minute).Unix()))
	if r := l.run("auth", "inspect", good); r.status != failure.Unreachable || !strings.Contains(r.talk, "nsc: the signature was not checked: ") {
		t.Errorf("a token whose issuer has no keys: %+v", r)
	}
	if r := l.run("auth", "inspect", "--offline", good); r.status != failure.Done {
		t.Errorf("%+v", r)
	}
}

func TestInspectAsJSON(t *testing.T) {
	l := newLab(t)
	var report struct {
		Problems []struct{ Code string }
		Claims   map[string]any
	}
	r := l.run("auth", "inspect", "-o", "json", "--offline", "--workspace", "prod", "--url", "https://nsc.example.com", l.externalToken("x"))
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || r.status != failure.Failed {
		t.Fatalf("%v, %+v", err, r)
	}
	if len(report.Problems) != 2 || report.Problems[0].Code != "expired" || report.Problems[1].Code != "audience" || report.Claims["sub"] != "s" {
		t.Errorf("%+v", report)
	}
}

func TestInspectOwnSignIn(t *testing.T) {
	l := newLab(t)
	l.fails(failure.Refused, "no token is given, and there is no sign-in", "auth", "inspect")
	l.signIn(l.file("token.json"), "prod")
	r := l.run("auth", "inspect", "--offline")
	if r.status != failure.Done || !strings.Contains(r.talk, l.file("token.json")) || strings.Contains(r.out, "Wrong") {
		t.Errorf("%+v", r)
	}
}
