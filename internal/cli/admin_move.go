package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) exportInstallationCommand() *cobra.Command {
	var f configFlags
	var output string
	cmd := &cobra.Command{
		Use: "export --output-file FILE", Short: "Write the whole installation to a file", Args: noArguments,
		Long: `Write everything that is in the database to a file of lines of JSON, from which nsc admin import makes the same installation in another database, SQLite or PostgreSQL: workspaces, trust relationships, signing keys, tokens and the record.

All servers must be stopped. The signing keys in it are sealed; the master key file is not in it and is to be copied apart. The file is readable by its owner alone.`,
		Example: "nsc admin export --config /etc/nsc/config.yaml --output-file nsc-installation.jsonl",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.exportInstallation(cmd.Context(), cmd, f, output) },
	}
	f.bind(cmd)
	cmd.Flags().StringVar(&output, "output-file", "", "`file` to write, which must not exist yet")
	return cmd
}

func (p *program) exportInstallation(ctx context.Context, cmd *cobra.Command, f configFlags, output string) error {
	if output == "" {
		return missingFlag("--output-file", "name the file to write: --output-file nsc-installation.jsonl")
	}
	c, err := p.checked(cmd, f)
	if err != nil {
		return err
	}
	tables, err := exportTo(ctx, c, output)
	if err != nil {
		return adminFailure(err, "nothing was exported", "stop every server of the installation first, and name its --config or --data-dir")
	}
	p.say("wrote %s; copy the master key file, too: the keys in it are sealed with it", output)
	return p.print(tables, movedTable(tables))
}

// exportTo leaves no file behind that is not whole.
func exportTo(ctx context.Context, c server.Config, output string) (tables []server.Moved, err error) {
	file, err := os.OpenFile(output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	tables, err = server.Export(ctx, c, file)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(output))
	}
	return tables, nil
}

func (p *program) importInstallationCommand() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Make an empty database the installation of a file", Args: oneArgument,
		Long: `Make an empty database, SQLite or PostgreSQL, the installation that nsc admin export wrote: all of it, or nothing. Everything is read back from the database and compared with what was exported, row for row.

The configuration names the new database, and the exported installation's master key file. The base URL stays what it was: it is part of every issuer.`,
		Example: "nsc admin import --config /etc/nsc/config.yaml nsc-installation.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.importInstallation(cmd.Context(), cmd, f, args[0])
		},
	}
	f.bind(cmd)
	return cmd
}

func (p *program) importInstallation(ctx context.Context, cmd *cobra.Command, f configFlags, input string) error {
	c, err := p.checked(cmd, f)
	if err != nil {
		return err
	}
	file, err := os.Open(input)
	if err != nil {
		return failure.Wrap(failure.Misused, err, "the export cannot be read: "+err.Error(), "name a file that nsc admin export wrote")
	}
	defer file.Close()
	tables, err := server.Import(ctx, c, bufio.NewReader(file))
	if err != nil {
		return adminFailure(err, "nothing was imported", "import a whole export into an empty database, with the exported installation's master key file")
	}
	p.say("imported %s; every row was read back and compared", filepath.Base(input))
	return p.print(tables, movedTable(tables))
}

// movedTable shows what was moved.
func movedTable(tables []server.Moved) func(io.Writer) {
	return func(w io.Writer) {
		rows := make([][]string, len(tables))
		for i, t := range tables {
			rows[i] = []string{t.Table, strconv.FormatInt(t.Rows, 10), t.Digest}
		}
		table(w, []string{"TABLE", "ROWS", "SHA-256"}, rows)
	}
}
