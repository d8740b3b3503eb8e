package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/credentials"
)

func (p *program) logoutCommand() *cobra.Command {
	var everything bool
	cmd := &cobra.Command{
		Use: "logout", Short: "Forget the sign-in that commands use", Args: noArguments,
		Long: `Remove the stored sign-in from this machine, with the tokens for other workspaces that were had by federation. A file that NSC_TOKEN_FILE names and a workload's file are never removed: they are not nsc's.`,
		Example: `nsc auth logout
nsc auth logout --keychain ci
nsc auth logout --all`,
		RunE: func(*cobra.Command, []string) error { return p.logout(everything) },
	}
	cmd.Flags().BoolVar(&everything, "all", false, "forget every sign-in and every keychain")
	return cmd
}

func (p *program) logout(everything bool) error {
	gone, err := p.forget(everything)
	if err != nil {
		return err
	}
	for _, path := range gone {
		p.say("removed %s", path)
	}
	if len(gone) == 0 {
		p.say("there was no sign-in to forget")
	}
	if file, named := p.store.Shadow(p.flags.keychain, ""); file != "" {
		p.warn("commands still use %s (%s)", file, named)
	}
	return nil
}

func (p *program) forget(everything bool) ([]string, error) {
	if everything {
		return p.store.RemoveAll()
	}
	path, err := p.store.Present(p.flags.keychain, p.workspaceName())
	if err != nil && !errors.Is(err, credentials.ErrNotSignedIn) {
		return nil, err
	}
	return p.store.Remove(path)
}
