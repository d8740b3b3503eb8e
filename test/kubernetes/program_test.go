package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// commandTimeout ends a command that hangs; none that works comes near it.
const commandTimeout = 2 * time.Minute

// A program is a command-line client with its whole environment and the arguments of every call.
type program struct {
	path string
	args []string
	env  []string
}

// with adds arguments for every call.
func (p program) with(args ...string) program {
	p.args = append(p.args[:len(p.args):len(p.args)], args...)
	return p
}

// withEnv adds variables to the environment.
func (p program) withEnv(variables ...string) program {
	p.env = append(p.env[:len(p.env):len(p.env)], variables...)
	return p
}

// output returns what the command prints on standard output. The error carries what it says on standard error.
func (p program) output(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, p.with(args...).args...)
	cmd.Env = p.env
	var said bytes.Buffer
	cmd.Stderr = &said
	printed, err := cmd.Output()
	if err != nil {
		err = &commandError{args: args, said: said.String(), cause: err}
	}
	return string(printed), err
}

// run is output for a command that must succeed.
func (p program) run(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := p.output(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}

// refused runs a command that must fail, and returns what it says.
func (p program) refused(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := p.output(t.Context(), args...)
	failure, ok := errors.AsType[*commandError](err)
	if !ok {
		t.Fatalf("%s succeeded and printed %q (%v)", strings.Join(args, " "), printed, err)
	}
	return failure.said
}

// A commandError is a command's failure and what it said about it.
type commandError struct {
	args  []string
	said  string
	cause error
}

func (e *commandError) Error() string {
	return fmt.Sprintf("%s: %v: %s", strings.Join(e.args, " "), e.cause, strings.TrimSpace(e.said))
}

func (e *commandError) Unwrap() error { return e.cause }
