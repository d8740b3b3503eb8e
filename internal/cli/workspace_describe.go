package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) workspaceDescribeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "describe [NAME]", Short: "Show a workspace's issuer and addresses", Args: atMostOne,
		Long: "Show a workspace: by default the one that --workspace or NSC_WORKSPACE names, or that you are signed in to. That a workspace exists is public; this needs no sign-in.",
		Example: `nsc workspace describe
nsc workspace describe prod -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.workspaceDescribe(cmd.Context(), args) },
	}
}

func (p *program) workspaceDescribe(ctx context.Context, args []string) error {
	name := p.workspaceName()
	if len(args) == 1 {
		name = args[0]
	}
	if name == "" {
		c, err := p.store.Find(p.flags.keychain, "")
		if err != nil {
			return failure.Wrap(failure.From(err).Status, err, "no workspace is named, and there is no sign-in to take it from: "+failure.From(err).What,
				"name it: nsc workspace describe NAME")
		}
		name = c.Workspace
	}
	if err := credentials.CheckName(name); err != nil {
		return failure.Misuse("\""+name+"\" is not the name of a workspace", "a name %v", err)
	}
	client, err := p.anyone()
	if err != nil {
		return err
	}
	ws, err := client.Workspace(ctx, name)
	if err != nil {
		return absentWorkspace(err, name, client.Base())
	}
	return p.print(ws, func(w io.Writer) { p.describeWorkspace(w, ws) })
}
