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
	"strings"
	"time"
)

// Fault is an error with a public face.
type Fault struct {
	Code       Code
	Refusal    string        // ID under which the record or the log has the cause; may be empty
	Field      string        // the field of the request that is at fault; may be empty
	Detail     string        // what the caller may know beyond the code's text: only about the caller's own request
	RetryAfter time.Duration // when to try again; zero where trying again is no use
	gist       string        // the cause without what the caller wrote
	cause      error
}

// New returns a fault with a code and its cause. The cause is for logs alone.
func New(code Code, cause error) *Fault { return &Fault{Code: code, cause: cause} }

// Newf returns a fault whose cause is the formatted text.
func Newf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, gist: gist(format), cause: fmt.Errorf(format, args...)}
}

// gist returns a format with a gap in place of each of its arguments, "" where too little is left to say anything.
func gist(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
		}
		b.WriteString("…")
	}
	if strings.Trim(b.String(), "… ,:") == "" {
		return ""
	}
	return b.String()
}

// Gist returns what went wrong in our own words alone: what the caller sent has gaps in its place. It may be shown to
// administrators where nobody vouches for what the caller sent (rule 28).
func (f *Fault) Gist() string {
	var inner interface{ Gist() string }
	switch {
	case f.gist != "":
		return f.gist
	case f.cause != nil && errors.As(f.cause, &inner):
		return inner.Gist()
	}
	return table[f.Code].text
}

// Invalid returns the fault of a request whose named field is wrong, with what is wrong about it. The text reaches the
// caller: it must speak of nothing but the caller's own request.
func Invalid(field, format string, args ...any) *Fault {
	return &Fault{Code: InvalidField, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Below returns an error that speaks of a part of a request as one that speaks of the whole: the field that it names is one
// of the given field's, or that one itself where it names none but says what is wrong with the part.
func Below(field string, err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.Code != InvalidField && f.Code != NotFound {
		return err
	}
	below := *f
	switch {
	case f.Field == "":
		below.Field = field
	case f.Field[0] == '[':
		below.Field = field + f.Field
	default:
		below.Field = field + "." + f.Field
	}
	return &below
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
