package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// localCommand marks a command that calls no server: of the global flags it has --output, and those that are named.
const localCommand = "local"

func local(cmd *cobra.Command, globals ...string) *cobra.Command {
	cmd.Annotations = map[string]string{localCommand: strings.Join(append(globals, "output"), " ")}
	return cmd
}

// writeHelp writes what a command does and how it is used.
func writeHelp(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, "%s\n\nUsage:\n  %s\n", wrap(firstOf(cmd.Long, cmd.Short+"."), helpWidth), strings.Join(Usage(cmd), "\n  "))
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nExamples:\n%s\n", indent(cmd.Example))
	}
	writeCommands(w, cmd)
	writeFlags(w, "Flags", cmd.LocalNonPersistentFlags())
	writeFlags(w, "Global flags", GlobalFlags(cmd))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "\nMore about a command: %s COMMAND --help\n", cmd.CommandPath())
	}
}

const helpWidth = 100

// Usage returns how a command is called. A group that has flags of its own can be called by itself, too.
func Usage(cmd *cobra.Command) []string {
	below := cmd.CommandPath() + " COMMAND"
	switch {
	case !cmd.HasAvailableSubCommands():
		return []string{cmd.UseLine()}
	case hasOwnFlags(cmd):
		return []string{cmd.CommandPath() + " [flags]", below}
	}
	return []string{below}
}

func hasOwnFlags(cmd *cobra.Command) bool {
	own := false
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) { own = own || f.Name != "help" })
	return own
}

// GlobalFlags returns the flags that the command shares with all others and that mean something to it.
func GlobalFlags(cmd *cobra.Command) *pflag.FlagSet {
	shared := pflag.NewFlagSet("", pflag.ContinueOnError)
	names, local := localFlags(cmd)
	cmd.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !local || slices.Contains(names, f.Name) {
			shared.AddFlag(f)
		}
	})
	return shared
}

// localFlags returns the global flags of a command that calls no server, or belongs to one.
func localFlags(cmd *cobra.Command) (names []string, local bool) {
	for c := cmd; c != nil; c = c.Parent() {
		if names, ok := c.Annotations[localCommand]; ok {
			return strings.Fields(names), true
		}
	}
	return nil, false
}

func writeCommands(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprint(w, "\nCommands:\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(t, "  %s\t%s\n", c.Name(), c.Short)
		}
	}
	t.Flush()
}

func writeFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(w, "\n%s:\n%s", title, flags.FlagUsagesWrapped(helpWidth))
	}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// wrap breaks the lines of a text that are longer than the width, at spaces.
func wrap(text string, width int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		column := 0
		for j, word := range strings.Fields(line) {
			switch {
			case j > 0 && column+1+len(word) > width:
				b.WriteByte('\n')
				column = 0
			case j > 0:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += len(word)
		}
	}
	return b.String()
}
