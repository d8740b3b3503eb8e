// Package reference writes the reference of the command line, as Markdown and as man pages, from the commands
// themselves. The same commands give the same bytes: no date, no version, no order but the commands' own.
package reference

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/cli"
)

// Page is the reference of one command.
type Page struct {
	Name     string // nsc auth issue-id-token
	Short    string
	Long     string
	Usage    []string
	Example  string
	Flags    []Flag
	Globals  []Flag
	Commands []*Page
	Parent   *Page
}

// Flag is one flag of a command.
type Flag struct {
	Name    string // --audience AUDIENCE
	Meaning string
}

// Pages returns the pages of a command and of all below it.
func Pages(root *cobra.Command) []*Page {
	first := page(root, nil)
	return first.all()
}

func (p *Page) all() []*Page {
	pages := []*Page{p}
	for _, c := range p.Commands {
		pages = append(pages, c.all()...)
	}
	return pages
}

func page(cmd *cobra.Command, parent *Page) *Page {
	p := &Page{
		Name: cmd.CommandPath(), Short: cmd.Short, Long: cmd.Long, Usage: cli.Usage(cmd), Example: cmd.Example,
		Flags: flags(cmd.LocalNonPersistentFlags()), Globals: flags(cli.GlobalFlags(cmd)), Parent: parent,
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			p.Commands = append(p.Commands, page(c, p))
		}
	}
	return p
}

// File returns the page's name as part of a file's name.
func (p *Page) File() string { return strings.ReplaceAll(p.Name, " ", "-") }

func flags(set *pflag.FlagSet) []Flag {
	var all []Flag
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			all = append(all, flag(f))
		}
	})
	return all
}

func flag(f *pflag.Flag) Flag {
	value, meaning := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	if value != "" {
		name += " " + value
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
		meaning += " (default " + f.DefValue + ")"
	}
	return Flag{name, meaning}
}
