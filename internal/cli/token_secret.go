package cli

import (
	"context"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/opaque"
)

// revokeSecret revokes a token for its holder (rule 33), who need not be signed in. The secret goes in the body of a
// request, and nowhere else.
func (p *program) revokeSecret(ctx context.Context, text string) error {
	secret, err := (tokenFlags{token: text, todo: "give the token's secret on standard input, or its ID in place of -: nsc token list"}).read(p.stdin)
	if err != nil {
		return err
	}
	if _, _, err := opaque.Read(secret); err != nil {
		return failure.Misuse("what was given is no whole secret of a token; it was not sent", "give all of it, or the token's ID: nsc token list")
	}
	client, workspace, err := p.holdersServer()
	if err != nil {
		return err
	}
	if err := living(ctx, client, workspace, secret); err != nil {
		return absentWorkspace(err, workspace, client.Base())
	}
	if err := client.RevokeSecret(ctx, workspace, secret); err != nil {
		return absentWorkspace(err, workspace, client.Base())
	}
	if strings.HasPrefix(secret, string(opaque.Access)) {
		p.say("revoked in %s; a token of another workspace would live on, and the server does not say", workspace)
		return nil
	}
	p.say("revoked in %s; the server takes nothing that was issued for it, and others take what they verify by themselves until it ends", workspace)
	return nil
}

// living asks who a revocable token's bearer is, before it is revoked: the revocation endpoint accepts everything (RFC 7009
// §2.2), and nobody shall believe that he revoked a token of another workspace. An access token for somebody else cannot be
// asked about.
func living(ctx context.Context, client *api.Client, workspace, secret string) error {
	if strings.HasPrefix(secret, string(opaque.Access)) {
		return nil
	}
	_, err := client.WhoAmI(ctx, workspace, secret)
	switch {
	case refusedWith(err, "unauthenticated"):
		return failure.Wrap(failure.Failed, err, workspace+" has no living token with this secret",
			"it has ended or was revoked already, or it is of another workspace: --workspace NAME")
	case err != nil && failure.From(err).Status == failure.Refused:
		return nil
	}
	return err
}

// holdersServer returns where a secret is revoked: the server and the workspace that were named, or that one is signed in
// to. There is no default: it would be shown a secret by guess.
func (p *program) holdersServer() (*api.Client, string, error) {
	base, workspace := p.serverURL(), p.workspaceName()
	c, err := p.store.Find(p.flags.keychain, workspace)
	if err != nil && base == "" {
		return nil, "", failure.Wrap(failure.From(err).Status, err, "it is not said whose token that is, and there is no sign-in to tell: "+failure.From(err).What,
			"name the server and the workspace: --url URL --workspace NAME")
	}
	client, err := p.client(firstOf(base, c.Base))
	if err != nil {
		return nil, "", err
	}
	if made, err := api.CheckBase(c.Base); workspace == "" && err == nil && made == client.Base() {
		workspace = c.Workspace
	}
	if workspace == "" {
		return nil, "", missingFlag("the workspace's name", "name it beside the server: --workspace NAME")
	}
	if err := credentials.CheckName(workspace); err != nil {
		return nil, "", failure.Misuse("\""+workspace+"\" is not the name of a workspace", "a name %v", err)
	}
	return client, workspace, nil
}
