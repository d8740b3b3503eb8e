package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/manifest"
)

func (p *program) exportCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "export", Short: "Write a file that declares what there is", Args: noArguments,
		Long: `Print a file that declares the trust relationships of the workspace, to begin from: applying it changes nothing but whose they are. Those that were made by hand are adopted by their IDs; those of other manifests are left out.

The file is YAML; -o json prints the same as JSON, which nsc apply reads as well.`,
		Example: `nsc export > federation.yaml
nsc export --workspace prod --manifest team-a`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.exportTrusts(cmd.Context(), name) },
	}
	cmd.Flags().StringVar(&name, "manifest", "federation", "`name` of the manifest: what it will own is known by it")
	return cmd
}

func (p *program) exportTrusts(ctx context.Context, name string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	present, err := s.client.Trusts(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	file, others, err := manifest.Export(name, s.workspace, kept(present...))
	if err != nil {
		return err
	}
	for _, other := range others {
		p.warn("%s is another manifest's, and left out", shown(other))
	}
	return p.print(file, func(w io.Writer) { _, _ = w.Write(file.Text()) })
}
