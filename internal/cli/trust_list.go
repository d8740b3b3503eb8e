package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func (p *program) trustListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the trust relationships of the workspace", Args: noArguments,
		Example: `nsc auth trust-relationships list
nsc auth trust-relationships list -o json | jq -r '.[].issuer'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustList(cmd.Context()) },
	}
}

func (p *program) trustList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	trusts, err := s.client.Trusts(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	if len(trusts) == 0 {
		p.say("%s trusts nobody yet; see nsc auth trust-relationships add --help", s.workspace)
	}
	return p.print(trusts, func(w io.Writer) {
		var rows [][]string
		for _, t := range trusts {
			rows = append(rows, []string{t.ID, trustState(t), shown(t.Issuer), shown(t.SubjectMatch), dash(shown(t.Description))})
		}
		table(w, []string{"ID", "STATE", "ISSUER", "SUBJECT", "DESCRIPTION"}, rows)
	})
}
