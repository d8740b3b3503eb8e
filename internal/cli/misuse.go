package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/spelling"
)

// meant continues the sentence about a word that is not known with the one that was probably meant: the nearest in its
// spelling, or the only one that it begins. It is empty where there is none.
func meant(word, prefix string, known []string) (sentence, near string) {
	near, ok := spelling.Nearest(word, known)
	if !ok {
		near = onlyBeginning(word, known)
	}
	if near == "" {
		return "", ""
	}
	return "; did you mean " + prefix + near + "?", near
}

func onlyBeginning(word string, known []string) string {
	found := ""
	for _, name := range known {
		switch {
		case len(word) < 2 || !strings.HasPrefix(name, word):
		case found != "":
			return ""
		default:
			found = name
		}
	}
	return found
}

func seeHelp(cmd *cobra.Command) string {
	return "see how it is used: " + cmd.CommandPath() + " --help"
}

// unknownCommand is the failure of a word that is none of a group's commands.
func unknownCommand(group *cobra.Command, word string) error {
	if err := checkSecret(group.CommandPath(), word); err != nil {
		return err
	}
	what := fmt.Sprintf("there is no command %q", strings.TrimPrefix(group.CommandPath()+" "+word, "nsc "))
	sentence, near := meant(word, "", names(group))
	if near != "" {
		return failure.Misuse(what+sentence, "see how it is used: %s %s --help", group.CommandPath(), near)
	}
	return failure.Misuse(what, "see what there is: %s --help", group.CommandPath())
}

// names returns the names of a group's commands.
func names(group *cobra.Command) []string {
	var all []string
	for _, c := range group.Commands() {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	return all
}

// flagFailure words what pflag found wrong. A group's unknown command is reported before its unknown flags: they are
// the command's.
func flagFailure(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if cmd.HasAvailableSubCommands() && cmd.Flags().NArg() > 0 {
		return unknownCommand(cmd, cmd.Flags().Arg(0))
	}
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &missing):
		return failure.Misuse("--"+missing.GetFlag().Name+" has no value", "%s", seeHelp(cmd))
	case errors.As(err, &invalid):
		return invalidFlag(cmd, invalid)
	}
	return failure.Wrap(failure.Misused, err, err.Error(), seeHelp(cmd))
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		return failure.Misuse(cmd.CommandPath()+" has no flag -"+unknown.GetSpecifiedName(), "%s", seeHelp(cmd))
	}
	name := unknown.GetSpecifiedName()
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	sentence, _ := meant(strings.ReplaceAll(name, "_", "-"), "--", known)
	return failure.Misuse(cmd.CommandPath()+" has no flag --"+name+sentence, "%s", seeHelp(cmd))
}

// invalidFlag lets the value's own parser speak, where it has something to say to a person.
func invalidFlag(cmd *cobra.Command, invalid *pflag.InvalidValueError) error {
	var own *failure.Failure
	if errors.Is(invalid, errTwice) {
		return failure.Misuse("--"+invalid.GetFlag().Name+" "+errTwice.Error(), "give it once, with one value")
	}
	if err := checkSecret("--"+invalid.GetFlag().Name, invalid.GetValue()); err != nil {
		return err
	}
	what := fmt.Sprintf("the value of --%s, %q, is not accepted", invalid.GetFlag().Name, invalid.GetValue())
	if errors.As(invalid, &own) {
		return failure.Misuse(what+": "+own.What, "%s", own.Todo)
	}
	return failure.Misuse(what, "%s", seeHelp(cmd))
}

// missingFlag is the failure of a command that cannot do without a flag.
func missingFlag(flag, todo string, args ...any) error {
	return failure.Misuse(flag+" is missing", todo, args...)
}

// noArguments refuses words that the command has no use for.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return failure.Misuse(fmt.Sprintf("%s takes no argument %q", cmd.CommandPath(), args[0]), "%s", seeHelp(cmd))
}

// atMostOne refuses a second argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) <= 1 {
		return nil
	}
	return failure.Misuse(fmt.Sprintf("%s takes one argument; %q is one too many", cmd.CommandPath(), args[1]), "%s", seeHelp(cmd))
}

// oneArgument wants exactly one.
func oneArgument(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return failure.Misuse(cmd.CommandPath()+" takes an argument and none is given", "%s", seeHelp(cmd))
	}
	return atMostOne(cmd, args)
}
