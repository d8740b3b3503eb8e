package clouds

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A commandLine is nsc with its whole environment.
type commandLine struct {
	path string
	env  []string
}

// with returns the command line with further variables, which go over its own.
func (c commandLine) with(variables ...string) commandLine {
	return commandLine{c.path, slices.Concat(c.env, variables)}
}

// output runs a command and returns what it prints on standard output. The error quotes standard error.
func (c commandLine) output(ctx context.Context, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, arguments...)
	cmd.Env = c.env
	printed, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("nsc %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(failed.Stderr)))
	}
	return string(printed), err
}

// run is output for a command that must succeed.
func (c commandLine) run(t *testing.T, arguments ...string) string {
	t.Helper()
	printed, err := c.output(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}
