// Command nsc is workload federation with OpenID Connect: a server that issues short-lived tokens and exchanges other
// issuers' tokens for them, and the command line that people and workloads use it by.
package main

import (
	"os"

	"github.com/nsc-federation/nsc/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
