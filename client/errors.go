package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
)

// ErrNotSignedIn is the error where no sign-in is found, or only one that has ended.
var ErrNotSignedIn = credentials.ErrNotSignedIn

// RefusedError is a server's answer that it does not do what it was asked. Its texts are as the server, or what stands
// before it, wrote them; Error makes them fit for a terminal and a log.
type RefusedError struct {
	Status      int           // of HTTP
	Code        string        // nsc's own: stable, so that programs may depend on it
	OAuth       string        // the code of RFC 6749 §5.2 and its extensions, like invalid_target
	Description string        // for people
	RefusalID   string        // under which an administrator finds the cause
	RetryAfter  time.Duration // when trying again may help; zero where the server does not say
}

// Error returns what the server says, on one line, without what would speak to a terminal, and not at any length.
func (e *RefusedError) Error() string {
	text := printable(e.Description, maxDescription)
	if text == "" {
		text = strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	}
	if id := printable(e.RefusalID, maxID); id != "" {
		text += " (refusal " + id + ")"
	}
	return "nsc refuses: " + text
}

// Of what a server says so many characters are repeated.
const (
	maxDescription = 1000
	maxID          = 100
)

// printable returns the beginning of somebody else's text. Control characters, and those that turn the direction of
// writing around, become spaces: an escape sequence could rewrite what the terminal shows, a line end forge a line of a log.
func printable(text string, most int) string {
	var out []rune
	for _, r := range text {
		if len(out) == most {
			out = append(out, '…')
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		out = append(out, r)
	}
	return strings.TrimSpace(string(out))
}

// explained puts what a person can do about a failure behind what it is.
func explained(err error) error {
	var f *failure.Failure
	if errors.As(err, &f) && f.Todo != "" {
		return fmt.Errorf("%w: %s", err, f.Todo)
	}
	return err
}
