package cli

import (
	"errors"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// refusedWith reports whether a server refused something with a code.
func refusedWith(err error, code string) bool {
	var r *api.Refusal
	return errors.As(err, &r) && r.Code == code
}

// absent words what a server did not find by what was asked for; other errors stay as they are.
func absent(err error, what, todo string) error {
	if !refusedWith(err, "not_found") {
		return err
	}
	return failure.Wrap(failure.Failed, err, what, todo)
}

// conflicting says what to do about something that exists already; other errors stay as they are.
func conflicting(err error, todo string) error {
	if !refusedWith(err, "conflict") {
		return err
	}
	return failure.Wrap(failure.Failed, err, err.Error(), todo)
}
