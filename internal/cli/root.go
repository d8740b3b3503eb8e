package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/failure"
)

// globalFlags are the flags that every command has.
type globalFlags struct {
	url       string
	workspace string
	keychain  string
	caFile    string
	output    string
}

// Commands returns the tree of all commands, for whoever documents it.
func Commands() *cobra.Command {
	return newProgram(nil, nil, nil, func(string) string { return "" }, nil).rootCommand()
}

func (p *program) rootCommand() *cobra.Command {
	root := p.group("nsc", "Short-lived tokens instead of shared secrets, with OpenID Connect",
		`nsc is self-hosted workload federation with OpenID Connect: it issues ID tokens that other systems trust, and exchanges other issuers' tokens for its own.

Exit status: 0 done, 1 failed, 2 used wrongly, 3 not signed in or refused, 4 server not reached.`,
		`nsc dev
nsc auth exchange-oidc-token --token-file token.jwt
export ID_TOKEN=$(nsc auth issue-id-token --audience https://your-service.example.com)`,
		p.authCommand(), p.planCommand(), p.applyCommand(), p.exportCommand(), p.workspaceCommand(), p.keysCommand(), p.tokenCommand(), p.cutOffCommand(), p.auditCommand(), p.policyCommand(),
		p.serverCommand(), p.devCommand(), p.configCommand(), p.adminCommand(),
		p.versionCommand(), p.completionCommand(),
	)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetGlobalNormalizationFunc(normalFlag)
	root.SetFlagErrorFunc(flagFailure)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout(), cmd) })
	help := p.helpCommand(root)
	root.SetHelpCommand(help)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return p.checkOutput() }
	p.bindGlobals(root)
	p.bindVersion(root)
	guardArguments(root)
	guardArguments(help)
	onlyOnce(root)
	return root
}

func (p *program) bindGlobals(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&p.flags.url, "url", "", "base `URL` of the server (NSC_URL; by default the server that you are signed in to)")
	flags.StringVar(&p.flags.workspace, "workspace", "", "`name` of the workspace, also --tenant_id (NSC_WORKSPACE; by default the one that you are signed in to)")
	flags.StringVar(&p.flags.keychain, "keychain", "", "`name` of a separate set of credentials")
	flags.StringVar(&p.flags.caFile, "ca-file", "", "PEM `file` of certificate authorities to trust beside the system's (NSC_CA_FILE)")
	flags.StringVarP(&p.flags.output, "output", "o", "text", "`format` of what is printed: text or json")
	complete(root, "output", formatText, formatJSON)
}

// complete has the shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	fixed := cobra.FixedCompletions(toCompletions(values), cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, fixed); err != nil {
		panic(err) // the flag is not defined: a mistake of ours, found by every test
	}
}

func toCompletions(values []string) []cobra.Completion {
	return append([]cobra.Completion{}, values...)
}

// normalFlag takes - and _ alike, and --tenant_id for --workspace.
func normalFlag(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	name = strings.ReplaceAll(name, "_", "-")
	if name == "tenant-id" {
		name = "workspace"
	}
	return pflag.NormalizedName(name)
}

func (p *program) workspaceName() string { return firstOf(p.flags.workspace, p.env("NSC_WORKSPACE")) }
func (p *program) serverURL() string     { return firstOf(p.flags.url, p.env("NSC_URL")) }
func (p *program) caFile() string        { return firstOf(p.flags.caFile, p.env("NSC_CA_FILE")) }

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// group returns a command that only holds others: alone it prints its help.
func (p *program) group(use, short, long, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.ArbitraryArgs}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	cmd.AddCommand(commands...)
	return cmd
}

// helpCommand prints the help of the command that its arguments name.
func (p *program) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [command]", Short: "Help about a command", Example: "nsc help auth issue-id-token",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			cmd, _, err := root.Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(cmd), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			switch {
			case err != nil:
				return failure.Wrap(failure.Misused, err, err.Error(), "see all commands: nsc --help")
			case len(rest) > 0:
				return unknownCommand(cmd, rest[0])
			}
			return cmd.Help()
		},
	}
}
