package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/opaque"
)

func (p *program) tokenCommand() *cobra.Command {
	return p.group("token", "Tokens for what cannot federate: created, refreshed and revoked by hand",
		`A revocable token is a secret that lasts for weeks. It is exchanged at the token endpoint for tokens that last for minutes, or used as a bearer token of the management API. Prefer a trust relationship wherever the other side has tokens of its own: it leaves no secret anywhere.`,
		`nsc token create --name "nightly backup" --grant '{"resource_type":"audience","resource_id":"https://backup.example.com","actions":["issue"]}'
nsc token list
nsc token revoke agraa5javqfhwfpodrd42i2eky`,
		p.tokenCreateCommand(), p.tokenListCommand(), p.tokenRefreshCommand(), p.tokenRevokeCommand(),
	)
}

func (p *program) tokenCreateCommand() *cobra.Command {
	var name string
	var grants []string
	var life duration
	cmd := &cobra.Command{
		Use: "create", Short: "Create a token and print its secret, once", Args: noArguments,
		Long:    "Create a token and print its secret, which the server does not keep. The grants are at most your own.",
		Example: `nsc token create --name "nightly backup" --expires 30d --grant '{"resource_type":"workspace","resource_id":"record","actions":["read"]}'`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.tokenCreate(cmd.Context(), name, grants, life) },
	}
	cmd.Flags().StringVar(&name, "name", "", "`words` that say what the token is for")
	cmd.Flags().StringArrayVar(&grants, "grant", nil, "what it may, as `JSON`: "+`{"resource_type":"audience","resource_id":"vault","actions":["issue"]}; may repeat`)
	cmd.Flags().Var(&life, "expires", "how long it lasts (default 90d, at most 366d)")
	return cmd
}

func (p *program) tokenCreate(ctx context.Context, name string, grants []string, life duration) error {
	if name == "" {
		return missingFlag("--name", "say what the token is for: --name \"nightly backup\"")
	}
	parsed, err := parseGrants(grants)
	if err != nil {
		return err
	}
	n := api.NewRevocable{Name: name, Grants: []api.Grant{}}
	if parsed != nil {
		n.Grants = *parsed
	}
	if life != 0 {
		n.ExpiresIn = time.Duration(life).String()
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	made, err := s.client.CreateRevocable(ctx, s.workspace, s.bearer, n)
	if err != nil {
		return refusedFlag(err, "expires_in", "--expires")
	}
	p.say("created %s, which ends %s; this is the only time that its secret is shown", made.ID, p.relative(made.ExpiresAt))
	return p.print(made, func(w io.Writer) { fmt.Fprintln(w, made.Token) })
}

func (p *program) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the workspace's revocable tokens, without their secrets", Args: noArguments,
		Example: `nsc token list
nsc token list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.tokenList(cmd.Context()) },
	}
}

func (p *program) tokenList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	found, err := s.client.Revocables(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	return p.print(found, func(w io.Writer) {
		var rows [][]string
		for _, t := range found {
			rows = append(rows, []string{t.ID, shown(t.Name), clock(t.RefreshedAt), p.relative(t.ExpiresAt)})
		}
		table(w, []string{"ID", "NAME", "SECRET MADE", "ENDS"}, rows)
	})
}

func (p *program) tokenRefreshCommand() *cobra.Command {
	var life duration
	cmd := &cobra.Command{
		Use: "refresh ID", Short: "Give a token a new secret and print it, once", Args: oneArgument,
		Long:    "Give a token a new secret and print it. The old secret ends at once, and with it what was issued for it; tokens for others, which they verify by themselves until they expire, are listed on standard error.",
		Example: `nsc token refresh agraa5javqfhwfpodrd42i2eky --expires 30d`,
		RunE:    func(cmd *cobra.Command, args []string) error { return p.tokenRefresh(cmd.Context(), args[0], life) },
	}
	cmd.Flags().Var(&life, "expires", "how long it lasts from now (default: as long as before)")
	return cmd
}

func (p *program) tokenRefresh(ctx context.Context, id string, life duration) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	wished := ""
	if life != 0 {
		wished = time.Duration(life).String()
	}
	made, err := s.client.RefreshRevocable(ctx, s.workspace, s.bearer, id, wished)
	if err != nil {
		err = refusedFlag(err, "expires_in", "--expires")
		return absent(err, s.workspace+" has no revocable token "+id, "see what there is: nsc token list")
	}
	p.say("refreshed %s, which ends %s; the old secret is dead, and this server takes nothing that was issued for it", made.ID, p.relative(made.ExpiresAt))
	p.unreachable(p.stderr, made.Unreached, byThemselves) // standard output is the secret's
	return p.print(made, func(w io.Writer) { fmt.Fprintln(w, made.Token) })
}

func (p *program) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke (ID | SECRET | -)", Short: "Revoke a token, and end what was issued for it", Args: oneArgument,
		Annotations: map[string]string{takesToken: ""},
		Long:        `Revoke a token, and end what was issued for it. By its ID, that takes a grant to write tokens, and what it cannot reach is listed: living tokens for others, which they verify by themselves until they expire. By its secret it takes nothing else: whoever holds a token may revoke it, a revocable one or an opaque access token. With - the secret is read from standard input: other users of this machine can see a command line.`,
		Example: `nsc token revoke agraa5javqfhwfpodrd42i2eky
nsc token revoke - --workspace prod < leaked-secret`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.tokenRevoke(cmd.Context(), args[0]) },
	}
}

func (p *program) tokenRevoke(ctx context.Context, id string) error {
	if id == "-" || opaque.Is(strings.TrimSpace(id)) {
		return p.revokeSecret(ctx, id)
	}
	if err := checkSecret("nsc token revoke", id); err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	done, err := s.client.RevokeRevocable(ctx, s.workspace, s.bearer, id)
	if err != nil {
		return absent(err, s.workspace+" has no revocable token "+id, "see what there is: nsc token list")
	}
	p.say("revoked %s; this server takes nothing that was issued for it", id)
	return p.print(done, func(w io.Writer) { p.unreachable(w, done, byThemselves) })
}
