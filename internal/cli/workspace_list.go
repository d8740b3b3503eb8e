package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) workspaceListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the workspaces: all to an operator, to others their own", Args: noArguments,
		Example: `nsc workspace list
nsc workspace list -o json | jq -r '.[].issuer'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.workspaceList(cmd.Context()) },
	}
}

func (p *program) workspaceList(ctx context.Context) error {
	s, err := p.operatorOrMember(ctx)
	if err != nil {
		return err
	}
	found, err := s.client.Workspaces(ctx, s.bearer)
	if err != nil {
		return err
	}
	return p.print(found, func(w io.Writer) {
		var rows [][]string
		for _, ws := range found {
			rows = append(rows, []string{ws.Name, ws.ID, ws.Issuer, ws.CreatedAt.Local().Format(time.DateTime)})
		}
		table(w, []string{"NAME", "ID", "ISSUER", "CREATED"}, rows)
	})
}

// operatorOrMember returns the caller as an operator, and where he is none as a member of his workspace.
func (p *program) operatorOrMember(ctx context.Context) (session, error) {
	if p.flags.workspace != "" { // not NSC_WORKSPACE: the list is of no workspace
		return p.session(ctx)
	}
	s, err := p.sessionIn(ctx, systemWorkspace)
	if err != nil && failure.From(err).Status == failure.Refused {
		return p.session(ctx)
	}
	return s, err
}
