package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
)

// ErrNotSignedIn is the error where no sign-in is found, or only one that has ended.
var ErrNotSignedIn = credentials.ErrNotSignedIn

// RefusedError is a server's answer that it does not do what it was asked.
type RefusedError struct {
	Status      int           // of HTTP
	Code        string        // nsc's own: stable, so that programs may depend on it
	OAuth       string        // the code of RFC 6749 §5.2 and its extensions, like invalid_target
	Description string        // for people
	RefusalID   string        // under which an administrator finds the cause
	RetryAfter  time.Duration // when trying again may help; zero where the server does not say
}

// Error returns what the server says.
func (e *RefusedError) Error() string {
	text := e.Description
	if text == "" {
		text = strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	}
	if e.RefusalID != "" {
		text += " (refusal " + e.RefusalID + ")"
	}
	return "nsc refuses: " + text
}

// explained puts what a person can do about a failure behind what it is.
func explained(err error) error {
	var f *failure.Failure
	if errors.As(err, &f) && f.Todo != "" {
		return fmt.Errorf("%w: %s", err, f.Todo)
	}
	return err
}
