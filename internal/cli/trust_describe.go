package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

func (p *program) trustDescribeCommand() *cobra.Command {
	var id idFlag
	cmd := &cobra.Command{
		Use: "describe ID", Short: "Show all of a trust relationship", Args: atMostOne,
		Example: "nsc auth trust-relationships describe gaa6f2hq3x5b7c2d4e6f7g2h3i",
		RunE:    func(cmd *cobra.Command, args []string) error { return p.trustDescribe(cmd.Context(), id, args) },
	}
	id.bind(cmd)
	return cmd
}

func (p *program) trustDescribe(ctx context.Context, flag idFlag, args []string) error {
	return p.oneTrust(ctx, flag, args, func(s session, id string) error {
		t, err := s.client.Trust(ctx, s.workspace, s.bearer, id)
		if err != nil {
			return err
		}
		return p.print(t, func(w io.Writer) { p.describeTrust(w, t) })
	})
}
