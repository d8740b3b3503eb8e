package web

import (
	"errors"
	"net/http"

	"github.com/nsc-federation/nsc/internal/fault"
)

// errNoToken is the cause of a refusal where nothing was presented that could have been wrong.
var errNoToken = errors.New("no bearer token")

// challenge returns how who was refused with a 401 can show who he is, empty for another refusal. Every challenge has a
// realm: at least one parameter must follow the scheme (RFC 6750 §3). Who presented no token is not told that one was wrong
// (§3.1), and a client that used the Authorization header for its own password is told the scheme that it used (RFC 6749
// §5.2).
func (h *handler) challenge(f *fault.Fault, authorization string) string {
	realm := ` realm="` + h.BaseURL + `"`
	switch {
	case f.Status() != http.StatusUnauthorized, f.Code == fault.InvalidClient && authorization == "":
		return ""
	case f.Code == fault.InvalidClient:
		return "Basic" + realm
	case errors.Is(f, errNoToken):
		return "Bearer" + realm
	}
	return "Bearer" + realm + `, error="invalid_token"`
}
