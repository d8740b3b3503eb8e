package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

// shells write their completion scripts by these functions of cobra's.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

var shellNames = []string{"bash", "fish", "powershell", "zsh"}

func (p *program) completionCommand() *cobra.Command {
	return local(&cobra.Command{
		Use: "completion bash|fish|powershell|zsh", Short: "Print a script that completes nsc's commands in a shell",
		Example: `source <(nsc completion bash)
nsc completion zsh > "${fpath[1]}/_nsc"
nsc completion fish > ~/.config/fish/completions/nsc.fish`,
		Args: atMostOne, ValidArgs: toCompletions(shellNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return missingFlag("the shell's name", "name one: nsc completion bash")
			}
			write, ok := shells[args[0]]
			if !ok {
				return unknownShell(args[0])
			}
			return write(cmd.Root(), p.stdout)
		},
	})
}

func unknownShell(name string) error {
	sentence, _ := meant(name, "", shellNames)
	return failure.Misuse(fmt.Sprintf("there is no completion for %q%s", name, sentence), "name one of bash, fish, powershell and zsh")
}
