package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) trustUpdateCommand() *cobra.Command {
	var f trustFlags
	var id idFlag
	cmd := &cobra.Command{
		Use: "update ID [flags]", Short: "Change a trust relationship",
		Long: "Change what the given flags say; the rest stays as it is. --grant and --map replace all grants and mappings. Tokens that rest on the trust relationship end, unless only its description changes.",
		Example: `nsc auth trust-relationships update gaa6f2hq3x5b7c2d4e6f7g2h3i --max_token_duration 2h
nsc auth trust-relationships update --id gaa6f2hq3x5b7c2d4e6f7g2h3i --disabled`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error { return p.trustUpdate(cmd.Context(), cmd, f, id, args) },
	}
	id.bind(cmd)
	f.bind(cmd)
	return cmd
}

func (p *program) trustUpdate(ctx context.Context, cmd *cobra.Command, f trustFlags, flag idFlag, args []string) error {
	change, err := f.change(cmd)
	if err != nil {
		return err
	}
	return p.oneTrust(ctx, flag, args, func(s session, id string) error {
		present := func() (api.KeySource, error) {
			t, err := s.client.Trust(ctx, s.workspace, s.bearer, id)
			return t.KeySource, err
		}
		if change.KeySource, err = f.keys.change(cmd, present, p.fromNow); err != nil {
			return err
		}
		if change == (api.TrustChange{}) {
			return failure.Misuse("there is nothing to change", "%s", seeHelp(cmd))
		}
		t, err := s.client.UpdateTrust(ctx, s.workspace, s.bearer, id, change)
		if err != nil {
			return err
		}
		p.warnings(t.Warnings)
		p.say("updated %s: version %d", t.ID, t.Version)
		return p.print(t, func(io.Writer) {})
	})
}
