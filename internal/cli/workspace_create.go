package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

func (p *program) workspaceCreateCommand() *cobra.Command {
	var owner api.Owner
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a workspace that you administer",
		Long: `Create a workspace, for operators: administrators of the workspace "system". Prints its name.

You administer it from the sign-in that you have now: add --workspace NAME to other commands. --owner-issuer and --owner-subject give it to somebody else.`,
		Example: `nsc workspace create prod
nsc auth trust-relationships list --workspace prod`,
		Args: atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error { return p.workspaceCreate(cmd.Context(), args, owner) },
	}
	cmd.Flags().StringVar(&owner.Issuer, "owner-issuer", "", "`issuer` of the owner's tokens (default: of your sign-in)")
	cmd.Flags().StringVar(&owner.Subject, "owner-subject", "", "`subject` of the owner's tokens (default: of your sign-in)")
	return cmd
}

func (p *program) workspaceCreate(ctx context.Context, args []string, owner api.Owner) error {
	if len(args) == 0 {
		return missingFlag("the workspace's name", "name it: nsc workspace create NAME (lower-case letters, digits and hyphens)")
	}
	if (owner.Issuer == "") != (owner.Subject == "") {
		return missingFlag("half of the owner", "give --owner-issuer and --owner-subject together")
	}
	s, err := p.sessionIn(ctx, systemWorkspace)
	if err != nil {
		return err
	}
	if owner.Issuer == "" {
		owner = api.Owner{Issuer: s.origin.Issuer, Subject: s.origin.Subject}
	}
	w, err := s.client.CreateWorkspace(ctx, s.bearer, args[0], owner)
	if err != nil {
		return conflicting(err, "choose another name: one that was used is never free again (nsc workspace list)")
	}
	p.say("created %s, whose issuer is %s", w.Name, w.Issuer)
	return p.print(w, func(out io.Writer) { fmt.Fprintln(out, w.Name) })
}
