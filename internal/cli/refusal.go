package cli

import (
	"errors"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// refusedWith reports whether a server refused something with a code.
func refusedWith(err error, code string) bool {
	var r *api.Refusal
	return errors.As(err, &r) && r.Code == code
}

// refusedFlag words what a server found wrong with a field by the flag that it came from, where that has another name; other
// errors stay as they are.
func refusedFlag(err error, field, flag string) error {
	var r *api.Refusal
	if !errors.As(err, &r) || r.Field != field {
		return err
	}
	return failure.Wrap(failure.From(err).Status, err, "the value of "+flag+" is not accepted: it "+strings.TrimPrefix(r.Error(), field+": "),
		"give "+flag+" another value")
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
