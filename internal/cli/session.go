package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
)

// defaultURL is where `nsc dev` listens.
const defaultURL = "http://127.0.0.1:8740"

const signInHint = "sign in: nsc auth exchange-oidc-token --token-file FILE"

// session is a signed-in caller at the server that signed him in, for one workspace.
type session struct {
	client    *api.Client
	origin    credentials.Credential // the sign-in, which may be to another workspace
	workspace string
	bearer    string // an access token of the workspace
}

// subjectPrefix is how every subject of the session's workspace begins: the caller's own tells (rule 10).
func (s session) subjectPrefix() string {
	c, err := credentials.Read(credentials.Stored{BearerToken: s.bearer})
	parts := strings.SplitN(c.Subject, "/", 3)
	if err != nil || len(parts) < 3 {
		return ""
	}
	return workspacePrefix(parts[1])
}

// session returns the caller in the workspace that the command names, or in the one that he is signed in to.
func (p *program) session(ctx context.Context) (session, error) {
	return p.sessionIn(ctx, p.workspaceName())
}

// sessionIn returns the caller in a workspace; "" is the one that he is signed in to. Where that is another, his token is
// exchanged: he asks his workspace for an ID token for the other's issuer and shows it there.
func (p *program) sessionIn(ctx context.Context, workspace string) (session, error) {
	origin, err := p.signedIn(ctx, workspace)
	if err != nil {
		return session{}, err
	}
	client, err := p.client(origin.Base)
	if err != nil {
		return session{}, err
	}
	s := session{client: client, origin: origin, workspace: origin.Workspace, bearer: origin.BearerToken}
	if workspace == "" || workspace == origin.Workspace {
		return s, p.checkEnd(origin)
	}
	if err := credentials.CheckName(workspace); err != nil {
		return session{}, failure.Misuse(fmt.Sprintf("%q is not the name of a workspace", workspace), "a name %v", err)
	}
	s.workspace = workspace
	s.bearer, err = p.federate(ctx, client, origin, workspace)
	return s, err
}

// signedIn finds the sign-in that the command uses, and refuses one of another server than the one that was named. That
// the named server is not there is said first: then it was probably misspelled.
func (p *program) signedIn(ctx context.Context, workspace string) (credentials.Credential, error) {
	origin, err := p.store.Find(p.flags.keychain, workspace)
	if err != nil {
		return origin, err
	}
	if p.serverURL() == "" {
		return origin, nil
	}
	named, err := p.client(p.serverURL())
	if err != nil {
		return origin, err
	}
	if made, err := api.CheckBase(origin.Base); err == nil && made == named.Base() {
		return origin, nil
	}
	if err := named.Reach(ctx); err != nil {
		return origin, err
	}
	return origin, failure.New(failure.Refused,
		fmt.Sprintf("the sign-in in %s is from %s, and is not sent to %s", origin.Path, origin.Base, named.Base()),
		"leave out --url and NSC_URL, or sign in to that server: nsc auth exchange-oidc-token --url "+named.Base())
}

// checkEnd refuses a sign-in that has ended, before the server does with less to say.
func (p *program) checkEnd(c credentials.Credential) error {
	if !c.Expired(p.now()) {
		return nil
	}
	todo := signInHint
	if c.Source == credentials.Variable || c.Source == credentials.Workload {
		todo = c.Source.Remedy()
	}
	return failure.New(failure.Refused,
		fmt.Sprintf("the sign-in to %s ended %s (%s)", c.Workspace, p.relative(c.ExpiresAt), c.Path), todo)
}

// federate returns a token of another workspace of the same server: the one from the last time, as long as it is good,
// and otherwise one by a new exchange. In the last third of its life it is had anew, as a sign-in is (package credentials),
// and serves where that fails.
func (p *program) federate(ctx context.Context, client *api.Client, origin credentials.Credential, workspace string) (string, error) {
	kept, found := p.store.Derived(origin, workspace)
	serves := found && stillGood(ctx, client, kept)
	if serves && (!kept.Ending(p.now()) || origin.Expired(p.now())) {
		return kept.BearerToken, nil
	}
	if err := p.checkEnd(origin); err != nil {
		return "", err
	}
	token, err := p.store.RenewDerived(ctx, origin, workspace, kept.BearerToken, func(ctx context.Context) (string, error) {
		return p.exchangeInto(ctx, client, origin, workspace)
	})
	switch {
	case token != "" && err != nil:
		p.warn("%v; the next command for %s exchanges again", err, workspace)
	case err != nil && serves && ctx.Err() == nil:
		p.warn("the token for %s was not renewed, and ends %s: %v", workspace, p.relative(kept.ExpiresAt), err)
		return kept.BearerToken, nil
	case err != nil:
		return "", err
	}
	return token, nil
}

// exchangeInto has a token of another workspace issued, by the two standard calls: an ID token for that workspace's
// issuer, shown there.
func (p *program) exchangeInto(ctx context.Context, client *api.Client, origin credentials.Credential, workspace string) (string, error) {
	idToken, err := client.IssueIDToken(ctx, origin.Workspace, api.IDTokenRequest{
		Bearer: origin.BearerToken, Audience: origin.Base + "/w/" + workspace,
	})
	if err != nil {
		return "", federationFailure(err, origin.Workspace, workspace, origin.Base)
	}
	answer, err := client.SignIn(ctx, workspace, api.SignInRequest{Token: idToken.AccessToken})
	if err != nil {
		return "", federationFailure(err, origin.Workspace, workspace, origin.Base)
	}
	if _, err := p.accept(client, answer.AccessToken); err != nil {
		return "", err
	}
	return answer.AccessToken, nil
}

// stillGood asks whether a kept token was cut off since. Where nobody can be asked, the command itself will say so better.
func stillGood(ctx context.Context, client *api.Client, c credentials.Credential) bool {
	_, err := client.WhoAmI(ctx, c.Workspace, c.BearerToken)
	return err == nil || failure.From(err).Status != failure.Refused
}

// federationFailure says which of two workspaces was asked for, since the caller named one and is signed in to the other.
func federationFailure(err error, from, to, base string) error {
	f := failure.From(err)
	if f.Status != failure.Refused {
		return absentWorkspace(err, to, base)
	}
	return failure.Wrap(f.Status, err, fmt.Sprintf("your sign-in to %s does not open %s: %s", from, to, f.What),
		fmt.Sprintf("ask an administrator of %s to trust you there, or sign in to it yourself (--workspace %s)", to, to))
}

// accept reads a token that a server issued, and refuses one that claims to be from another server: it would be sent
// there.
func (p *program) accept(client *api.Client, token string) (credentials.Credential, error) {
	c, err := credentials.Read(credentials.Stored{BearerToken: token})
	if err != nil {
		return c, failure.Wrap(failure.Failed, err, "the server issued something that is not an access token of nsc",
			"is --url (NSC_URL) the address of an nsc server?")
	}
	if made, err := api.CheckBase(c.Base); err != nil || made != client.Base() {
		return c, failure.New(failure.Failed,
			fmt.Sprintf("the server at %s calls itself %s, and its tokens would be sent there", client.Base(), c.Base),
			"use that address: --url "+c.Base+" (NSC_URL)")
	}
	return c, nil
}

// client returns a client of the server at a base URL.
func (p *program) client(base string) (*api.Client, error) {
	base, err := api.CheckBase(base)
	if err != nil {
		return nil, err
	}
	roots, err := api.Roots(p.caFile())
	if err != nil {
		return nil, err
	}
	return api.New(base, roots, "nsc/"+thisVersion().Version), nil
}

// anyone returns a client for calls that need no sign-in: of the server that was named, or that one is signed in to.
func (p *program) anyone() (*api.Client, error) {
	base := p.serverURL()
	if base == "" {
		base = defaultURL
		if c, err := p.store.Find(p.flags.keychain, p.workspaceName()); err == nil {
			base = c.Base
		}
	}
	return p.client(base)
}
