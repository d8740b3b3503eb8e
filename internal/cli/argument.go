package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

// guardArguments has a command and all below it refuse arguments that no command has a use for: secrets, which must not get
// any further (secret.go), and empty ones, which are what a shell makes of a variable that is not set. An empty ID would ask
// the server for what stands above it.
func guardArguments(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		check = cobra.ArbitraryArgs
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := refuseSecrets(cmd, args); err != nil {
			return err
		}
		if err := refuseEmpty(cmd, args); err != nil {
			return err
		}
		return check(cmd, args)
	}
	for _, below := range cmd.Commands() {
		guardArguments(below)
	}
}

func refuseEmpty(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if strings.TrimSpace(arg) == "" {
			return failure.Misuse(fmt.Sprintf("%s was given an empty argument; it is used as: %s", cmd.CommandPath(), usage(cmd)),
				"give it, or leave it out where it stands in brackets; a shell makes one of a variable that is not set")
		}
	}
	return nil
}

// usage returns a command's words with the names of its arguments.
func usage(cmd *cobra.Command) string {
	if !cmd.HasParent() {
		return cmd.Use
	}
	return cmd.Parent().CommandPath() + " " + cmd.Use
}
