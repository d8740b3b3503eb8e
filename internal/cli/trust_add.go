package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

func (p *program) trustAddCommand() *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use: "add --issuer ISSUER --subject-match PATTERN [--grant JSON]...", Short: "Trust an issuer's tokens",
		Long: "Trust tokens of an issuer whose subject matches a pattern. Prints the new trust relationship's ID.",
		Example: `nsc auth trust-relationships add --issuer https://token.actions.githubusercontent.com \
  --subject-match 'repo:acme/app:ref:refs/heads/main' \
  --grant '{"resource_type":"audience","resource_id":"sts.amazonaws.com","actions":["issue"]}' \
  --default_token_duration 3600s`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustAdd(cmd.Context(), cmd, f) },
	}
	f.bind(cmd)
	return cmd
}

func (p *program) trustAdd(ctx context.Context, cmd *cobra.Command, f trustFlags) error {
	if f.issuer == "" {
		return missingFlag("--issuer", "say whose tokens: --issuer https://issuer.example.com, byte for byte their iss")
	}
	change, err := f.change(cmd)
	if err != nil {
		return err
	}
	byDefault := func() (api.KeySource, error) { return api.KeySource{Kind: api.Discovery}, nil }
	if change.KeySource, err = f.keys.change(cmd, byDefault, p.fromNow); err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	t, err := s.client.AddTrust(ctx, s.workspace, s.bearer, change)
	if err != nil {
		return err
	}
	p.warnings(t)
	return p.print(t, func(w io.Writer) { fmt.Fprintln(w, t.ID) })
}
