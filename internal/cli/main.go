// Package cli is the command line of nsc.
//
// A command is options, a constructor that binds them to flags, and a function that runs. Data goes to standard output,
// talk to standard error; `-o json` prints the same data for programs. A failure is two lines, what went wrong and
// what to do, and an exit status (package failure). Streams, environment and clock are injected, so that a test runs a
// command as a person would.
//
// Whom a command speaks for, and to which server, is decided in session.go and nowhere else: a bearer token goes to the
// server that made it and to no other.
//
// One file per command; the words of flags that several share are in the file of the noun they are about.
package cli

//go:generate go run ./gendocs ../../docs/reference

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/redaction"
)

// Main runs the program with its arguments, without its name, in an environment of NAME=value, and returns the exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	variables := environment(environ)
	p := newProgram(stdin, stdout, stderr, func(name string) string { return variables[name] }, time.Now)
	p.variables = variables
	return int(p.run(ctx, args))
}

// program is one run of nsc: what it was given, and the flags that every command has.
type program struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
	env    func(string) string
	now    func() time.Time
	flags  globalFlags
	store  credentials.Store

	variables map[string]string // the whole environment, to find what is misspelt in it
}

func newProgram(stdin io.Reader, stdout, stderr io.Writer, env func(string) string, now func() time.Time) *program {
	return &program{
		stdin: stdin, stdout: &output{to: stdout}, stderr: stderr, env: env, now: now, store: credentials.NewStore(env, now),
	}
}

func (p *program) run(ctx context.Context, args []string) failure.Status {
	root := p.rootCommand()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := p.stdout.orFailed(root.ExecuteContext(ctx))
	if err == nil {
		return failure.Done
	}
	return p.report(err)
}

// report prints a failure and returns its status. It is the only place that prints one: what was given where something else
// belongs may be a secret, and standard error a log of CI.
func (p *program) report(err error) failure.Status {
	f := failure.From(err)
	switch {
	case errors.Is(err, failure.Silent):
		return f.Status
	case errors.Is(err, context.Canceled):
		f = failure.New(failure.Failed, "interrupted", "")
	}
	fmt.Fprintln(p.stderr, "nsc: "+redaction.Text(shown(oneLine(f.What))))
	if f.Todo != "" {
		fmt.Fprintln(p.stderr, redaction.Text(f.Todo))
	}
	return f.Status
}

// say talks to the person at the terminal.
func (p *program) say(format string, args ...any) { fmt.Fprintf(p.stderr, format+"\n", args...) }

// warn says what went right but may surprise.
func (p *program) warn(format string, args ...any) { p.say("warning: "+format, args...) }
