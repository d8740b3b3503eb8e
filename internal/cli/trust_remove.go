package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (p *program) trustRemoveCommand() *cobra.Command {
	var id idFlag
	cmd := &cobra.Command{
		Use: "remove ID", Short: "Trust no longer, and end the tokens that rest on it", Args: atMostOne,
		Example: `nsc auth trust-relationships remove gaa6f2hq3x5b7c2d4e6f7g2h3i
nsc auth trust-relationships remove --id gaa6f2hq3x5b7c2d4e6f7g2h3i`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.trustRemove(cmd.Context(), id, args) },
	}
	id.bind(cmd)
	return cmd
}

func (p *program) trustRemove(ctx context.Context, flag idFlag, args []string) error {
	return p.oneTrust(ctx, flag, args, func(s session, id string) error {
		if err := s.client.RemoveTrust(ctx, s.workspace, s.bearer, id); err != nil {
			return err
		}
		p.say("removed %s; the tokens that rest on it are dead", id)
		return nil
	})
}
