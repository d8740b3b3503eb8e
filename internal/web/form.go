package web

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/fault"
)

const (
	maxForm        = 64 << 10
	maxRequestText = 2048 // bytes of one parameter other than a token or authorization_details
)

// once lists the parameters that may be sent once at most (RFC 6749 §3.2). Audience and resource may repeat by
// RFC 8693 §2.1, but several targets are refused (rule 32).
var once = []string{
	"grant_type", "subject_token", "subject_token_type", "requested_token_type", "scope", "authorization_details",
	"assertion", "expires_in", "trust", "id_token_signed_response_alg", "access_token_format",
	"actor_token", "actor_token_type", "may_act", "token", "token_type_hint",
}

// large lists the parameters that only the size of the form bounds.
var large = []string{"subject_token", "assertion", "actor_token", "authorization_details", "may_act", "token"}

// readForm reads the form of a request at an OAuth endpoint. Request.ParseForm would let a buffer grow to the body's size,
// and put everything into a second map.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, malformed("the request must be a form: Content-Type application/x-www-form-urlencoded")
	}
	body, err := readAtMost(w, r, maxForm)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, fault.New(fault.TooLarge, err)
		}
		return nil, malformed("the form is malformed")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, malformed("the form is malformed")
	}
	given(form)
	return form, checkForm(form)
}

// given removes parameters without a value: they count as omitted (RFC 6749 §3.2).
func given(form url.Values) {
	for name, values := range form {
		if !slices.Contains(values, "") {
			continue
		}
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) == 0 {
			delete(form, name)
		} else {
			form[name] = values
		}
	}
}

func checkForm(form url.Values) error {
	for _, name := range once {
		if len(form[name]) > 1 {
			return malformed("%s is given more than once", name)
		}
	}
	for name, values := range form {
		if slices.Contains(large, name) {
			continue
		}
		for _, v := range values {
			if len(v) > maxRequestText || strings.ContainsRune(v, 0) {
				return malformed("a parameter is too long or contains NUL")
			}
		}
	}
	return nil
}
