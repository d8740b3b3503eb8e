package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
)

// What callers tell apart. Each error that is one of these also has a fault.Fault in its chain, so that whoever has
// nothing better to say can hand it on.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("exists already")
	ErrStale       = errors.New("changed since it was read")
	ErrKeySource   = errors.New("the issuer's other trusts have another key source")
	ErrManaged     = errors.New("another trust has the name in the manifest")
	ErrAnswered    = errors.New("the key was answered before")
	ErrInvalid     = errors.New("cannot be stored")
	ErrUnavailable = errors.New("the database is unavailable")
)

var codes = map[error]fault.Code{
	ErrNotFound:    fault.NotFound,
	ErrExists:      fault.Conflict,
	ErrStale:       fault.Stale,
	ErrKeySource:   fault.Conflict,
	ErrManaged:     fault.Conflict,
	ErrAnswered:    fault.KeyReused,
	ErrInvalid:     fault.InvalidField,
	ErrUnavailable: fault.Unavailable,
	audit.ErrMoved: fault.Unavailable,
}

// classify returns an error that is one of the above where the engine's error means one of them.
func (s *Store) classify(err error) error {
	if err == nil || known(err) != nil {
		return err
	}
	sentinel := s.engine.meaning(err)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		sentinel = ErrNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, sql.ErrConnDone):
		sentinel = ErrUnavailable
	}
	if sentinel == nil {
		return err
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}

func known(err error) error {
	for sentinel := range codes {
		if errors.Is(err, sentinel) {
			return sentinel
		}
	}
	return nil
}

// fields say what of a request the conflict is about, where it is not the thing itself.
var fields = map[error]string{ErrKeySource: "key_source", ErrManaged: "managed_by"}

// named says which operation failed, and adds the public face of the error.
func named(operation string, err error) error {
	if err == nil {
		return nil
	}
	err = &Error{operation, err}
	sentinel := known(err)
	if sentinel == nil {
		return err
	}
	f := fault.New(codes[sentinel], err)
	f.Field = fields[sentinel]
	return f
}
