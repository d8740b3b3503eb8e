// Package failure is how a command fails: with one line that says what went wrong, one that says what to do, and an exit
// status.
//
// Every error that leaves a command is a Failure or becomes one at the single place that prints it. The status is a
// promise to scripts: 0 done, 1 failed, 2 used wrongly, 3 not signed in or refused, 4 server not reached.
package failure

import (
	"errors"
	"fmt"
)

// Status is the exit status of the program.
type Status int

// The exit statuses.
const (
	Done        Status = 0
	Failed      Status = 1 // it was tried, and did not work
	Misused     Status = 2 // the command line cannot be followed; nothing was tried
	Refused     Status = 3 // not signed in, or not allowed
	Unreachable Status = 4 // no answer from a server of ours
)

// Failure is an error for the person at the terminal.
type Failure struct {
	Status Status
	What   string // what went wrong, one line without a full stop
	Todo   string // what to do about it, one line; empty where there is nothing to say
	cause  error
}

// New returns a failure of a status with both its lines.
func New(status Status, what, todo string) *Failure {
	return &Failure{Status: status, What: what, Todo: todo}
}

// Wrap returns a failure that has an error as its cause. What it says is the two lines; the cause is for errors.Is.
func Wrap(status Status, cause error, what, todo string) *Failure {
	return &Failure{Status: status, What: what, Todo: todo, cause: cause}
}

// Misuse returns the failure of a command line that cannot be followed. The todo is formatted.
func Misuse(what, todo string, args ...any) *Failure {
	return &Failure{Status: Misused, What: what, Todo: fmt.Sprintf(todo, args...)}
}

// Error returns the first line.
func (f *Failure) Error() string { return f.What }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.cause }

// From returns the Failure in an error's chain, or one of status Failed that says what the error says.
func From(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Status: Failed, What: err.Error(), cause: err}
}

// Silent is the failure of a command whose output has said already what is wrong.
var Silent = &Failure{Status: Failed}
