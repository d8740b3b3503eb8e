package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) adminCommand() *cobra.Command {
	return local(p.group("admin", "Work on the server's own machine, as its user",
		"These commands talk to the server through a socket in its data folder, or work on the database where no server runs. They are for the user that the server runs as, and for root.",
		`nsc admin bootstrap --config /etc/nsc/config.yaml
nsc admin reseal --new-key-file /etc/nsc/master-2.key`,
		p.bootstrapCommand(), p.resealCommand(), p.exportInstallationCommand(), p.importInstallationCommand(), p.restoreCommand(), p.subjectCommand(),
	))
}

type bootstrapOptions struct {
	config configFlags
	name   string
	saveTo string
}

func (p *program) bootstrapCommand() *cobra.Command {
	var o bootstrapOptions
	cmd := local(&cobra.Command{
		Use: "bootstrap", Short: "Sign in the first administrator, whom it makes", Args: noArguments,
		Long: `Make the first administrator of a workspace, where there is none yet, and sign him in. Prints the workspace's name. Without --workspace it is "system", whose administrators operate the installation.`,
		Example: `nsc admin bootstrap
nsc admin bootstrap --workspace prod --name alice --save-to admin-token.json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.bootstrap(cmd.Context(), cmd, o) },
	}, "workspace", "keychain")
	o.config.bind(cmd)
	cmd.Flags().StringVar(&o.name, "name", "", "`name` of the administrator (default admin)")
	cmd.Flags().StringVar(&o.saveTo, "save-to", "", "token `file` to write instead of your own, for NSC_TOKEN_FILE")
	return cmd
}

func (p *program) bootstrap(ctx context.Context, cmd *cobra.Command, o bootstrapOptions) error {
	c, err := p.checked(cmd, o.config)
	if err != nil {
		return err
	}
	path := o.saveTo
	if path == "" {
		if path, err = p.store.Path(p.flags.keychain, p.workspaceName()); err != nil {
			return err
		}
	}
	result, err := server.Bootstrap(ctx, c, server.BootstrapRequest{Workspace: p.workspaceName(), Name: o.name})
	if err != nil {
		return adminFailure(err, "no administrator was signed in", "run it on the server's machine, as the user that the server runs as, with the server's --data-dir")
	}
	signIn, err := credentials.Read(credentials.Stored{BearerToken: result.BearerToken})
	if err != nil {
		return fmt.Errorf("the administrator's token: %w", err)
	}
	if result.Created {
		p.say("made the administrator of %s", result.Workspace)
	}
	return p.keep(signIn, result.WorkspaceID, path)
}

func (p *program) resealCommand() *cobra.Command {
	var f configFlags
	var newKeyFile string
	cmd := &cobra.Command{
		Use: "reseal --new-key-file FILE", Short: "Seal the signing keys with another master key", Args: noArguments,
		Long:    "Seal all private keys with the master key of another file, which is made where there is none. The server must be stopped. Then name the new file in its configuration (master_key_file).",
		Example: "nsc admin reseal --config /etc/nsc/config.yaml --new-key-file /etc/nsc/master-2.key",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.reseal(cmd.Context(), cmd, f, newKeyFile) },
	}
	f.bind(cmd)
	cmd.Flags().StringVar(&newKeyFile, "new-key-file", "", "`file` of the new master key")
	return cmd
}

func (p *program) reseal(ctx context.Context, cmd *cobra.Command, f configFlags, newKeyFile string) error {
	if newKeyFile == "" {
		return missingFlag("--new-key-file", "name the file of the new master key; it is made where there is none")
	}
	c, err := p.checked(cmd, f)
	if err != nil {
		return err
	}
	if err := server.Reseal(ctx, c, newKeyFile); err != nil {
		return adminFailure(err, "nothing was sealed anew", "stop the server first, and name its --data-dir and --master-key-file")
	}
	p.say("sealed all keys with %s; set master_key_file to it before the server starts", newKeyFile)
	return p.print(map[string]string{"master_key_file": newKeyFile}, func(io.Writer) {})
}

// adminFailure says what was not done, and why; what to do about it as a rule, where the error does not say it itself.
func adminFailure(err error, undone, todo string) error {
	f := failure.From(err)
	return failure.Wrap(f.Status, err, undone+": "+f.What, firstOf(f.Todo, todo))
}
