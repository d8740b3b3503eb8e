package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (p *program) auditKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print what the log's checkpoints are verified with", Args: noArguments,
		Long: "Print the verifier key of the workspace's log, in the form of C2SP signed-note. Keep it where the server's operators cannot change it: with it nsc audit verify shows whose log an export is.",
		Example: `nsc audit key > prod.vkey
nsc audit verify prod.jsonl --key "$(cat prod.vkey)"`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.auditKey(cmd.Context()) },
	}
}

func (p *program) auditKey(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	log, err := s.client.Log(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	return p.print(log, func(w io.Writer) { fmt.Fprintln(w, log.VerifierKey) })
}
