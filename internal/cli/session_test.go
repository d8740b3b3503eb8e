package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
)

const whoamiAnswer = `{"subject":"workspace/prodid/user/me","workspace":"prod","workspace_id":"prodid","issuer":"i","grants":[],"expires_at":"2026-01-31T13:00:00Z"}`

func TestServerIsTheOneThatSignedIn(t *testing.T) {
	l := newLab(t)
	token := l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	l.ok("auth", "whoami")
	if c := l.nsc.last(); c.bearer != token {
		t.Errorf("%+v", c)
	}
	l.ok("auth", "whoami", "--url", l.nsc.URL+"/")
}

// TestCredentialGoesToNoOtherServer: not by a flag, not by the environment, whatever else is named.
func TestCredentialGoesToNoOtherServer(t *testing.T) {
	l := newLab(t)
	other := newFakeServer(t)
	l.signIn(l.file("token.json"), "prod")
	commands := [][]string{
		{"auth", "whoami"}, {"auth", "issue-id-token", "--audience", "x"}, {"keys", "list"}, {"workspace", "list"},
		{"workspace", "create", "x"}, {"auth", "whoami", "--workspace", "far"}, {"audit", "search"},
	}
	for _, command := range commands {
		r := l.fails(failure.Refused, "is from "+l.nsc.URL+", and is not sent to "+other.URL, append(command, "--url", other.URL)...)
		if !strings.Contains(r.talk, "exchange-oidc-token --url "+other.URL) {
			t.Errorf("%s", r.talk)
		}
		l.env["NSC_URL"] = other.URL
		l.fails(failure.Refused, "is not sent to "+other.URL, command...)
		delete(l.env, "NSC_URL")
	}
	for _, c := range other.all() {
		if c.path != "/healthz" || c.bearer != "" || len(c.form) > 0 || c.query != "" {
			t.Errorf("the other server was sent %+v", c)
		}
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
	other.Close()
	for _, command := range commands {
		l.fails(failure.Unreachable, "the server at "+other.URL+" was not reached", append(command, "--url", other.URL)...)
	}
}

func TestServerThatCallsItselfOtherwise(t *testing.T) {
	l := newLab(t)
	other := newFakeServer(t)
	token := other.accessToken("prod", "s", noon.Add(time.Hour))
	l.nsc.answer("POST /token", 200, `{"access_token":"`+token+`","workspace":"prod"}`)
	l.fails(failure.Failed, "calls itself "+other.URL, "auth", "exchange-oidc-token", "--token", "x", "--url", l.nsc.URL)
	l.nsc.answer("POST /token", 200, `{"access_token":"opaque","workspace":"prod"}`)
	l.fails(failure.Failed, "something that is not an access token", "auth", "exchange-oidc-token", "--token", "x", "--url", l.nsc.URL)
	l.fails(failure.Refused, "not signed in", "auth", "whoami")
}

func TestNotSignedIn(t *testing.T) {
	l := newLab(t)
	for _, command := range []string{"auth whoami", "auth check-login", "auth issue-id-token --audience x", "keys list", "audit search", "workspace list", "auth trust-relationships list"} {
		r := l.fails(failure.Refused, "not signed in", strings.Fields(command)...)
		if !strings.Contains(r.talk, "nsc auth exchange-oidc-token --token-file FILE") {
			t.Errorf("%s: %s", command, r.talk)
		}
	}
}

func TestSignInThatEnded(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.now = noon.Add(65 * time.Minute)
	for _, command := range []string{"auth whoami", "auth whoami --workspace far"} {
		l.fails(failure.Refused, "the sign-in to prod ended 5m ago", strings.Fields(command)...)
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
}

func TestServerAway(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.Close()
	r := l.fails(failure.Unreachable, "the server at "+l.nsc.URL+" was not reached", "auth", "whoami")
	if !strings.Contains(r.talk, "--url (NSC_URL)") {
		t.Errorf("%s", r.talk)
	}
}

// TestFederation holds the standard calls by which a sign-in to one workspace opens another, and that they are made once.
func TestFederation(t *testing.T) {
	l := newLab(t)
	origin := l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/far/whoami", 200, whoamiAnswer)
	l.ok("auth", "whoami", "--workspace", "far")
	calls := l.nsc.all()
	if len(calls) != 3 || calls[0].path != "/w/prod/token" || calls[1].path != "/w/far/token" {
		t.Fatalf("%+v", calls)
	}
	if f := calls[0].form; f["subject_token"] != origin || f["audience"] != l.nsc.issuer("far") || !strings.HasSuffix(f["requested_token_type"], ":id_token") {
		t.Errorf("asked for %v", f)
	}
	if f := calls[1].form; f["subject_token"] == origin || !strings.HasSuffix(f["subject_token_type"], ":jwt") {
		t.Errorf("showed %v", f)
	}
	cached := l.stored(l.file("token_far.json"))
	if calls[2].bearer != cached.BearerToken || cached.DerivedFrom != credentials.Digest(origin) {
		t.Errorf("the bearer is not the one that is kept: %+v", cached)
	}
	l.ok("auth", "whoami", "--workspace", "far")
	if calls := l.nsc.all(); len(calls) != 2 || calls[0].bearer != cached.BearerToken || calls[1].bearer != cached.BearerToken {
		t.Errorf("the second time, asked whether the kept token is good and then used it: %+v", calls)
	}
	l.nsc.answer("GET /api/v1/workspaces/far/whoami", 401, `{"code":"unauthenticated","detail":"cut off"}`)
	l.fails(failure.Refused, "cut off", "auth", "whoami", "--workspace", "far")
	if calls := l.nsc.all(); len(calls) != 4 || calls[1].path != "/w/prod/token" || calls[2].path != "/w/far/token" {
		t.Errorf("a kept token that was cut off is had anew: %+v", calls)
	}
	l.nsc.answer("GET /api/v1/workspaces/far/whoami", 200, whoamiAnswer)
	l.signIn(l.file("keychain", "ci.json"), "prod")
	l.ok("auth", "whoami", "--workspace", "far", "--keychain", "ci")
	if calls := l.nsc.all(); len(calls) != 3 {
		t.Errorf("another sign-in used what the first had: %+v", calls)
	}
}

// TestFederatedTokenIsRenewedBeforeItEnds: in the last third of its life it is had anew, and serves where that fails.
func TestFederatedTokenIsRenewedBeforeItEnds(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/far/whoami", 200, whoamiAnswer)
	exchanges := func() int {
		l.t.Helper()
		l.nsc.all()
		l.ok("auth", "whoami", "--workspace", "far")
		count := 0
		for _, c := range l.nsc.all() {
			if c.path == "/w/far/token" {
				count++
			}
		}
		return count
	}
	for _, step := range []struct {
		after time.Duration // of fifteen minutes
		want  int
	}{{0, 1}, {10*time.Minute - time.Second, 0}, {10 * time.Minute, 1}} {
		l.now = noon.Add(step.after)
		if got := exchanges(); got != step.want {
			t.Errorf("after %v: %d exchanges, want %d", step.after, got, step.want)
		}
	}
	l.nsc.answer("POST /w/far/token", 503, `{"error":"temporarily_unavailable","error_description":"no keys","code":"issuer_unavailable"}`)
	l.now = noon.Add(14 * time.Minute)
	if r := l.run("auth", "whoami", "--workspace", "far"); r.status != failure.Done || !strings.Contains(r.talk, "warning: the token for far was not renewed, and ends in 1m: no keys") {
		t.Errorf("%+v", r)
	}
	l.now = noon.Add(15 * time.Minute)
	l.fails(failure.Failed, "no keys", "auth", "whoami", "--workspace", "far")
}

func TestFederationRefused(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /w/prod/token", 400, `{"error":"invalid_target","error_description":"may not","code":"invalid_target","refusal_id":"r1"}`)
	r := l.fails(failure.Refused, "your sign-in to prod does not open far: may not (refusal r1)", "auth", "whoami", "--workspace", "far")
	if !strings.Contains(r.talk, "ask an administrator of far to trust you there") {
		t.Errorf("%s", r.talk)
	}
	l = newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("POST /w/far/token", 404, `{"error":"invalid_request","code":"not_found"}`)
	l.fails(failure.Failed, "there is no workspace far at "+l.nsc.URL, "auth", "whoami", "--workspace", "far")
}

func TestTokenFileProblemsAreTold(t *testing.T) {
	l := newLab(t)
	l.env["NSC_TOKEN_FILE"] = l.write("half.json", `{"bearer_token":"abc`)
	l.fails(failure.Refused, "half.json is not whole JSON; it may be half written", "auth", "whoami")
	l.env["NSC_TOKEN_FILE"] = "/does/not/exist"
	l.fails(failure.Refused, "NSC_TOKEN_FILE names /does/not/exist, which does not exist", "auth", "whoami")
}
