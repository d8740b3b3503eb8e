package store

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Error is an error of an operation on the database.
type Error struct {
	operation string
	cause     error
}

// Error returns the operation and what went wrong, for logs.
func (e *Error) Error() string { return "store: " + e.operation + ": " + e.cause.Error() }

// Unwrap returns what went wrong.
func (e *Error) Unwrap() error { return e.cause }

// Trouble returns what is wrong with the database itself, in the words of its engine and without its numbers, for who
// operates it. It is empty for an error of another kind, also where the engine's words are behind it.
func Trouble(err error) string {
	var ours *Error
	sentinel := known(err)
	if !errors.As(err, &ours) || sentinel != nil && sentinel != ErrUnavailable || errors.Is(err, ErrDamaged) {
		return ""
	}
	var refused *pgconn.PgError
	var connect *pgconn.ConnectError
	var file *sqlite.Error
	var lost *net.OpError
	switch {
	case errors.As(err, &refused): // before connect, whose other attempts matter less than that the server answered one
		return refused.Message
	case errors.As(err, &connect):
		return connect.Error()
	case errors.As(err, &file):
		return strings.TrimSuffix(file.Error(), fmt.Sprintf(" (%d)", file.Code()))
	case errors.As(err, &lost):
		return lost.Error()
	}
	return ""
}
