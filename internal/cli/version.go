package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/server"
)

// version says which nsc this is, as the Go linker recorded it.
type version struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisVersion() version {
	v := version{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Version = firstOf(build.Main.Version, v.Version)
	if server.Version != "dev" {
		v.Version = server.Version
	}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value
		}
	}
	return v
}

func (p *program) versionCommand() *cobra.Command {
	return local(&cobra.Command{
		Use: "version", Short: "Print which nsc this is", Example: "nsc version -o json", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return p.printVersion() },
	})
}

func (p *program) printVersion() error {
	v := thisVersion()
	return p.print(v, func(w io.Writer) { fmt.Fprintf(w, "nsc %s %s %s\n", v.Version, v.Platform, v.Go) })
}

// bindVersion has --version print what the command prints: people try it first.
func (p *program) bindVersion(root *cobra.Command) {
	version := root.Flags().BoolP("version", "v", false, "print which nsc this is, as nsc version does")
	help := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version && len(args) == 0 {
			return p.printVersion()
		}
		return help(cmd, args)
	}
}
