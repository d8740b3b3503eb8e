package cli

import (
	"context"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/server"
)

// configFlags say how a server runs. They come after the configuration file and the environment, and win.
type configFlags struct {
	file                                                         string
	listen, baseURL, dataDir, database, databaseFile, masterFile string
	selfSigned                                                   bool
}

func (f *configFlags) bind(cmd *cobra.Command) {
	f.bindDev(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.file, "config", "", "YAML `file` of the configuration (NSC_CONFIG)")
	flags.StringVar(&f.database, "database", "", "postgres:// `URL` (default: SQLite in the data folder)")
	flags.StringVar(&f.databaseFile, "database-file", "", "`file` that holds the URL, where it contains a password")
	flags.StringVar(&f.masterFile, "master-key-file", "", "`file` of the key that seals the signing keys (default: master.key in the data folder)")
}

// bindDev binds the flags that nsc dev has, too.
func (f *configFlags) bindDev(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "", "`address` and port to listen on (default "+server.DefaultListen+")")
	flags.StringVar(&f.baseURL, "base-url", "", "`URL` at which everybody reaches the server; part of every issuer, and never changed")
	flags.StringVar(&f.dataDir, "data-dir", "", "`folder` for the database, the keys and the administration socket")
	flags.BoolVar(&f.selfSigned, "tls-self-signed", false, "serve HTTPS with a certificate of its own authority, ca.pem in the data folder")
}

// config returns the configuration of the file, the environment and the flags. It is not checked yet.
func (p *program) config(cmd *cobra.Command, f configFlags) (server.Config, error) {
	if err := checkVariables(p.variables); err != nil {
		return server.Config{}, configFailure(err)
	}
	c, err := server.LoadConfig(firstOf(f.file, p.env("NSC_CONFIG")), p.env)
	if err != nil {
		return c, configFailure(err)
	}
	for flag, set := range map[string]struct {
		from string
		to   *string
	}{
		"listen": {f.listen, &c.Listen}, "data-dir": {f.dataDir, &c.DataDir}, "base-url": {f.baseURL, &c.BaseURL},
		"database": {f.database, &c.Database}, "database-file": {f.databaseFile, &c.DatabaseFile},
		"master-key-file": {f.masterFile, &c.MasterKeyFile},
	} {
		if cmd.Flags().Changed(flag) {
			*set.to = set.from
		}
	}
	c.ListenGiven = c.ListenGiven || cmd.Flags().Changed("listen")
	if cmd.Flags().Changed("tls-self-signed") {
		c.TLSSelfSigned = f.selfSigned
	}
	return c, nil
}

// checked returns the configuration once it is found good.
func (p *program) checked(cmd *cobra.Command, f configFlags) (server.Config, error) {
	c, err := p.config(cmd, f)
	if err != nil {
		return c, err
	}
	return c, configFailure(c.Check())
}

func configFailure(err error) error {
	if err == nil {
		return nil
	}
	return failure.Wrap(failure.Misused, err, err.Error(), "correct it in the configuration file, the NSC_ environment or the flags; nsc config check shows what results")
}

func (p *program) serverCommand() *cobra.Command {
	var f configFlags
	cmd := local(&cobra.Command{
		Use: "server", Short: "Run the server", Args: noArguments,
		Long: "Run the server until it is told to stop (SIGINT, SIGTERM); it then finishes what is under way. The first administrator signs in with nsc admin bootstrap.",
		Example: `nsc server --config /etc/nsc/config.yaml
nsc server --listen 0.0.0.0:8740 --base-url https://nsc.example.com --data-dir /var/lib/nsc`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.checked(cmd, f)
			if err != nil {
				return err
			}
			c.Reload = func() (server.Config, error) { return p.config(cmd, f) }
			return p.serve(cmd.Context(), c, slog.LevelInfo)
		},
	})
	f.bind(cmd)
	return cmd
}

func (p *program) devCommand() *cobra.Command {
	var f configFlags
	cmd := local(&cobra.Command{
		Use: "dev", Short: "Run a server on this machine to try nsc with", Args: noArguments,
		Long: "Run a server on loopback with a workspace, dev, and its administrator signed in. It believes issuers on this machine, over plain HTTP too. Not for production: nsc server refuses its data folder.",
		Example: `nsc dev
nsc dev --listen 127.0.0.1:9000 --data-dir /tmp/nsc --tls-self-signed`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.dev(cmd, f) },
	})
	f.bindDev(cmd)
	return cmd
}

func (p *program) dev(cmd *cobra.Command, f configFlags) error {
	c, err := p.config(cmd, f)
	if err != nil {
		return err
	}
	c.Dev = true
	if c.DataDir == server.Default().DataDir { // nobody gave one
		folder, err := os.MkdirTemp("", "nsc-dev-")
		if err != nil {
			return failure.Wrap(failure.Failed, err, err.Error(), "give a folder: --data-dir")
		}
		defer os.RemoveAll(folder)
		c.DataDir = folder
	}
	if err := c.Check(); err != nil {
		return configFailure(err)
	}
	return p.serve(cmd.Context(), c, slog.LevelWarn)
}

func (p *program) serve(ctx context.Context, c server.Config, level slog.Level) error {
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	return server.Run(ctx, c, p.stderr, log)
}
