package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Refusal is what a server says when it does not do what it was asked: an error of the token endpoint (RFC 6749 §5.2)
// or a problem of the management API (RFC 9457).
type Refusal struct {
	HTTPStatus  int           `json:"-"`
	Code        string        `json:"code"`
	Field       string        `json:"field"`
	ID          string        `json:"refusal_id"`
	OAuth       string        `json:"error"`
	Description string        `json:"error_description"`
	Title       string        `json:"title"`
	Detail      string        `json:"detail"`
	RetryAfter  time.Duration `json:"-"`
}

// Error returns what the server says, with the ID under which an administrator finds the cause.
func (r *Refusal) Error() string {
	text := first(r.Detail, r.Description, r.Title, r.OAuth, http.StatusText(r.HTTPStatus))
	text = strings.TrimRight(oneLine(text), ".")
	if r.Field != "" && !strings.Contains(text, r.Field) {
		text = r.Field + ": " + text
	}
	if r.ID != "" {
		text += " (refusal " + oneLine(r.ID) + ")"
	}
	return text
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// oneLine keeps a server's text from writing to the terminal anything but text.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }), " ")
}

// refusal makes the failure of an answer that is not a success.
func refusal(base string, resp *http.Response, body []byte) error {
	r := &Refusal{}
	if json.Unmarshal(body, r) != nil || r.OAuth == "" && r.Title == "" && r.Detail == "" && r.Code == "" {
		return stranger(base, resp, body)
	}
	r.HTTPStatus = resp.StatusCode
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.RetryAfter = time.Duration(seconds) * time.Second
	}
	return failure.Wrap(r.status(), r, r.Error(), r.todo())
}

// status maps a refusal to an exit status. What a server says of a token, or of what its bearer may have, is 3; a request
// that it found wanting is 1.
func (r *Refusal) status() failure.Status {
	switch {
	case r.HTTPStatus == http.StatusUnauthorized, r.HTTPStatus == http.StatusForbidden:
		return failure.Refused
	case strings.HasPrefix(r.Code, "token_"), r.Code == "workspace_open":
		return failure.Refused
	}
	switch r.OAuth {
	case "invalid_target", "invalid_authorization_details", "invalid_scope", "invalid_grant", "access_denied":
		return failure.Refused
	}
	return failure.Failed
}

var todos = map[string]string{
	"unauthenticated":        "sign in again: nsc auth exchange-oidc-token --token-file FILE",
	"forbidden":              "see what you may do (nsc auth whoami), and ask an administrator of the workspace for more",
	"stale":                  "look at it again and repeat the change",
	"workspace_open":         "name the workspace: --workspace NAME (or export NSC_WORKSPACE=NAME)",
	"invalid_target":         "ask an administrator for a grant of resource type audience, action issue",
	"issued_token_too_large": "ask for less: fewer grants, or a trust that maps fewer groups",
	"internal":               "tell the server's operator the refusal's ID",
	"invalid_field":          "correct it and repeat the command (--help says what is accepted)",
}

func (r *Refusal) todo() string {
	switch {
	case r.RetryAfter > 0:
		return fmt.Sprintf("try again in %s", r.RetryAfter)
	case todos[r.Code] != "":
		return todos[r.Code]
	case strings.HasPrefix(r.Code, "token_"):
		return "look at the token: nsc auth inspect --token-file FILE"
	case r.HTTPStatus >= 500 || r.HTTPStatus == http.StatusTooManyRequests:
		return "try again in a moment"
	}
	return ""
}
