// Package fault is the one error type that crosses from the inside of nsc to a caller.
//
// A Fault has a code, a public text that is fixed per code, the ID of the refusal (by which an administrator finds the
// cause) and the cause itself, which never leaves the server. Codes are few; what they mean on the wire is one
// table in this package, so that no caller decides for itself what a stranger may learn.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Fault is an error with a public face.
type Fault struct {
	Code       Code
	Refusal    string        // ID under which the record or the log has the cause; may be empty
	Field      string        // the field of the request that is at fault; may be empty
	Detail     string        // what the caller may know beyond the code's text: only about the caller's own request
	RetryAfter time.Duration // when to try again; zero where trying again is no use
	cause      error
}

// New returns a fault with a code and its cause. The cause is for logs alone.
func New(code Code, cause error) *Fault { return &Fault{Code: code, cause: cause} }

// Newf returns a fault whose cause is the formatted text.
func Newf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, cause: fmt.Errorf(format, args...)}
}

// Invalid returns the fault of a request whose named field is wrong, with what is wrong about it. The text reaches the
// caller: it must speak of nothing but the caller's own request.
func Invalid(field, format string, args ...any) *Fault {
	return &Fault{Code: InvalidField, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the code with the cause, for logs.
func (f *Fault) Error() string {
	switch {
	case f.cause != nil:
		return string(f.Code) + ": " + f.cause.Error()
	case f.Detail != "":
		return string(f.Code) + ": " + f.Detail
	}
	return string(f.Code)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Text returns what the caller is told.
func (f *Fault) Text() string {
	text := table[f.Code].text
	if f.Detail != "" {
		text = f.Detail
		if f.Field != "" {
			text = f.Field + ": " + f.Detail
		}
	}
	return text
}

// Status returns the HTTP status of the fault.
func (f *Fault) Status() int {
	if row, ok := table[f.Code]; ok {
		return row.status
	}
	return http.StatusInternalServerError
}

// OAuth returns the error code of RFC 6749 §5.2 and its extensions for the fault.
func (f *Fault) OAuth() string {
	if row, ok := table[f.Code]; ok {
		return row.oauth
	}
	return "server_error"
}

// From returns the Fault in an error's chain, or an Internal one with the error as its cause.
func From(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return New(Internal, err)
}

// Is reports whether the error's fault has the code.
func Is(err error, code Code) bool {
	var f *Fault
	return errors.As(err, &f) && f.Code == code
}
