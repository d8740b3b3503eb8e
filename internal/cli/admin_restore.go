package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) restoreCommand() *cobra.Command {
	var f configFlags
	var yes bool
	cmd := &cobra.Command{
		Use: "restore --yes", Short: "Begin a new epoch after a backup was restored", Args: noArguments,
		Long: `Begin a new epoch on a database that was restored from a backup. It does not know what was issued, cut off or used up after the backup was made, so no token that was ever issued is good any more: every workspace gets new signing keys in place of all that it has, and opaque and revocable tokens are removed.

The servers must be stopped. Workloads that federate come back with their next exchange; administrators sign in again with nsc admin bootstrap.`,
		Example: "nsc admin restore --config /etc/nsc/config.yaml --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.restore(cmd.Context(), cmd, f, yes) },
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "yes: end every token that was issued")
	return cmd
}

func (p *program) restore(ctx context.Context, cmd *cobra.Command, f configFlags, yes bool) error {
	c, err := p.checked(cmd, f)
	if err != nil {
		return err
	}
	if !yes {
		return missingFlag("--yes", "this ends every token that was ever issued, and cannot be undone; say so with --yes")
	}
	done, err := server.Restore(ctx, c)
	if err != nil {
		return adminFailure(err, "no new epoch has begun", "stop the servers first, and name their --config or --data-dir")
	}
	p.say("epoch %d has begun: no earlier token is good any more", done.Epoch)
	return p.print(done, func(w io.Writer) {
		fmt.Fprintf(w, "%d workspaces have %d new keys; %d opaque and %d revocable tokens are gone\n", done.Workspaces, done.Keys, done.Opaque, done.Revocable)
	})
}
