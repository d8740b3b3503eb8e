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
	var from presetFlags
	cmd := &cobra.Command{
		Use: "add (--issuer ISSUER --subject-match PATTERN | --preset NAME) [--grant JSON]...", Short: "Trust an issuer's tokens",
		Long: `Trust tokens of an issuer whose subject matches a pattern. Prints the new trust relationship's ID.

With --preset, issuer, subject and condition are written for you from the preset's parameters, each a flag of its own; nsc auth trust-relationships presets NAME lists them. A --condition beside it narrows further, and replaces nothing.`,
		Example: `nsc auth trust-relationships add --issuer https://token.actions.githubusercontent.com \
  --subject-match 'repo:acme/app:ref:refs/heads/main' \
  --grant '{"resource_type":"audience","resource_id":"sts.amazonaws.com","actions":["issue"]}' \
  --default_token_duration 3600s
nsc auth trust-relationships add --preset github-actions --repository acme/app --repository-id 456789 --owner-id 123456 \
  --branch main --grant '{"resource_type":"audience","resource_id":"sts.amazonaws.com","actions":["issue"]}'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustAdd(cmd.Context(), cmd, f, from) },
	}
	f.bind(cmd)
	from.bind(cmd)
	return cmd
}

func (p *program) trustAdd(ctx context.Context, cmd *cobra.Command, f trustFlags, from presetFlags) error {
	change, err := f.change(cmd)
	if err != nil {
		return err
	}
	if err := from.fill(cmd, &change); err != nil {
		return err
	}
	if valueOf(change.Issuer) == "" {
		return missingFlag("--issuer", "say whose tokens: --issuer https://issuer.example.com, byte for byte their iss, or --preset NAME")
	}
	byDefault := func() (api.KeySource, error) { return api.KeySource{Kind: api.Discovery}, nil }
	if change.KeySource, err = f.keys.change(cmd, byDefault, p.fromNow); err != nil {
		return err
	}
	if valueOf(change.SubjectMatch) == "" {
		return missingFlag("--subject-match", "say which of its tokens: --subject-match 'repo:acme/app:*', a pattern that their sub matches, or --preset NAME")
	}
	if from.dryRun {
		return p.printDraft(change)
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	t, err := p.addTrust(ctx, s, change, f.keys)
	if err != nil {
		return err
	}
	p.warnings(t.Warnings)
	return p.print(t, func(w io.Writer) { fmt.Fprintln(w, t.ID) })
}
