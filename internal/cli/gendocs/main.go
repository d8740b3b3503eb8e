// Command gendocs writes the reference of the command line below a folder: cli/*.md and man/*.1.
package main

import (
	"fmt"
	"os"

	"github.com/nsc-federation/nsc/internal/cli"
	"github.com/nsc-federation/nsc/internal/cli/reference"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gendocs FOLDER")
		os.Exit(2)
	}
	if err := reference.Write(os.Args[1], reference.Pages(cli.Commands())); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}
