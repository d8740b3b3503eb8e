package cli

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/opaque"
)

// secrets are what one may have at hand where an ID is wanted.
func secrets() []string {
	revocable, _ := opaque.New(opaque.Revocable)
	access, _ := opaque.New(opaque.Access)
	return []string{revocable, access, "nsrf_" + revocable[5:], "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiJ4In0.c2lnbmF0dXJl"}
}

// TestSecretsAreNeitherSentNorRepeated: given to any command as its argument or as the value of any flag but --token.
func TestSecretsAreNeitherSentNorRepeated(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	t.Chdir(l.home)
	ended, end := context.WithCancel(t.Context())
	end() // a server that starts all the same ends at once
	check := func(secret string, args ...string) {
		t.Helper()
		var said strings.Builder
		status := newProgram(nil, &said, &said, func(name string) string { return l.env[name] }, time.Now).run(ended, args)
		if status != failure.Misused || strings.Contains(said.String(), secret[5:]) || !strings.Contains(said.String(), "the token was not sent") {
			t.Errorf("nsc %s: status %d, %s", strings.Join(args, " "), status, &said)
		}
	}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[1:]
		for _, secret := range secrets() {
			if _, takes := cmd.Annotations[takesToken]; !takes {
				check(secret, append(slices.Clone(words), secret)...)
			}
		}
		secret := secrets()[0]
		cmd.InheritedFlags() // after which Flags has them, too
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "token" && f.Value.Type() != "bool" {
				check(secret, append(slices.Clone(words), "--"+f.Name+"="+secret)...)
			}
		})
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(Commands())
	secret := secrets()[0]
	check(secret, "help", secret)
	check(secret, "auth", "trust-relationships", "describe", " "+secret+"\n")
	check(secret, "token", secret, "--nothing")
	check(secrets()[3], "token", "revoke", secrets()[3])
	if r := l.fails(failure.Misused, "nsc token refresh was given a token (nsrt_…)", "token", "refresh", secret); !strings.Contains(r.talk, "give its ID, which nsc token list shows") {
		t.Errorf("%s", r.talk)
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
}

// Rule 33: who holds a token may revoke it. Its secret is in the body of a request and nowhere else.
func TestRule33HoldersRevokeBySecret(t *testing.T) {
	const revoked, dead = "POST /w/prod/revoke", `{"detail":"a valid access token is needed","code":"unauthenticated"}`
	revocable, access := secrets()[0], secrets()[1]
	l := newLab(t)
	bearer := l.signIn(l.file("token.json"), "prod")
	l.nsc.answer(revoked, 200, "")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	for _, secret := range []string{revocable, access, "-"} {
		l.stdin = " " + revocable + "\n"
		r := l.run("token", "revoke", secret)
		calls := l.nsc.all()
		last := calls[len(calls)-1]
		if r.status != failure.Done || r.out != "" || !strings.HasPrefix(r.talk, "revoked in prod; ") || strings.Contains(r.talk, revocable) || strings.Contains(r.talk, access) {
			t.Errorf("%+v", r)
		}
		if want := firstOf(strings.TrimPrefix(secret, "-"), revocable); last.form["token"] != want || last.method+" "+last.path != revoked {
			t.Errorf("sent %+v", last)
		}
		for _, c := range calls {
			if address := c.path + c.query; strings.Contains(address, revocable) || strings.Contains(address, access) || c.bearer == bearer {
				t.Errorf("sent %+v", c)
			}
		}
	}
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 401, dead)
	r := l.fails(failure.Failed, "prod has no living token with this secret", "token", "revoke", revocable)
	if !strings.Contains(r.talk, "--workspace NAME") {
		t.Errorf("%s", r.talk)
	}
	l.fails(failure.Misused, "is no whole secret", "token", "revoke", revocable[:20])
	l.stdin = ""
	l.fails(failure.Misused, "standard input holds no token", "token", "revoke", "-")

	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	l.ok("token", "revoke", revocable, "--url", l.nsc.URL+"/")
	l.fails(failure.Misused, "the workspace's name is missing", "token", "revoke", revocable, "--url", "https://other.example.com")

	l = newLab(t) // somebody who is not signed in
	l.nsc.answer(revoked, 200, "")
	l.nsc.answer("GET /api/v1/workspaces/prod/whoami", 200, whoamiAnswer)
	l.ok("token", "revoke", revocable, "--url", l.nsc.URL, "--workspace", "prod")
	if c := l.nsc.last(); c.form["token"] != revocable {
		t.Errorf("sent %+v", c)
	}
	l.fails(failure.Refused, "there is no sign-in to tell", "token", "revoke", revocable, "--workspace", "prod")
	l.fails(failure.Misused, "the workspace's name is missing", "token", "revoke", revocable, "--url", l.nsc.URL)
}
