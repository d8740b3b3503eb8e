package nsc

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
)

type claimsKey struct{}

// ClaimsFrom returns the claims that [Verifier.Handler] or [Verifier.Require] put into a request's context, and whether
// there are any.
func ClaimsFrom(ctx context.Context) (Claims, bool) {
	claims, ok := ctx.Value(claimsKey{}).(Claims)
	return claims, ok
}

// Handler lets only requests with a good token through to the next handler, which finds what the token says by
// [ClaimsFrom]. The token is in the header Authorization: Bearer, and nowhere else (RFC 6750 §2.1). Others are answered
// as RFC 6750 §3 says, with the audience for the realm and without a word about what is wrong with the token: 401, 400 where
// there is more than one token, and 503 where the issuer's keys cannot be had.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if claims, ok := v.admit(w, r); ok {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
		}
	})
}

// Require returns a handler as [Verifier.Handler] does, but which also answers 403 where the token's grants do not allow
// the action on the resource that a request is about. Take the resource from what you know, not from the request's Host:
// the caller chose that.
//
// Only access tokens carry grants. Require panics where the verifier is not one for [AccessTokens].
func (v *Verifier) Require(resourceType string, resourceID func(*http.Request) string, action string) func(http.Handler) http.Handler {
	if v.typ != accessToken {
		panic("nsc: Require needs a verifier with the option AccessTokens: ID tokens carry no grants")
	}
	return func(next http.Handler) http.Handler {
		return v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if claims, _ := ClaimsFrom(r.Context()); !claims.Allows(resourceType, resourceID(r), action) {
				v.challenge(w, http.StatusForbidden, "insufficient_scope")
				return
			}
			next.ServeHTTP(w, r)
		}))
	}
}

// admit verifies the request's token, or answers the request.
func (v *Verifier) admit(w http.ResponseWriter, r *http.Request) (Claims, bool) {
	header := r.Header.Values("Authorization")
	if len(header) > 1 {
		v.challenge(w, http.StatusBadRequest, "invalid_request")
		return Claims{}, false
	}
	token, ok := bearer(header)
	if !ok { // RFC 6750 §3.1: no error code for a caller who did not try
		v.challenge(w, http.StatusUnauthorized, "")
		return Claims{}, false
	}
	claims, err := v.Verify(r.Context(), token)
	if err != nil {
		v.refuseRequest(w, err)
		return Claims{}, false
	}
	return claims, true
}

// bearer returns the token of an Authorization header. The name of the scheme has no case (RFC 9110 §11.1).
func bearer(header []string) (string, bool) {
	if len(header) == 0 {
		return "", false
	}
	scheme, token, ok := strings.Cut(header[0], " ")
	return strings.TrimLeft(token, " "), ok && strings.EqualFold(scheme, "Bearer")
}

func (v *Verifier) refuseRequest(w http.ResponseWriter, err error) {
	var keys *KeysUnavailableError
	switch {
	case errors.As(err, &keys):
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(keys.RetryAfter.Seconds()))))
		answer(w, http.StatusServiceUnavailable)
	case errors.Is(err, ErrMisconfigured):
		answer(w, http.StatusInternalServerError)
	default:
		v.challenge(w, http.StatusUnauthorized, "invalid_token")
	}
}

// challenge answers with what RFC 6750 §3 asks for: at least one parameter, whether there is an error code or not.
func (v *Verifier) challenge(w http.ResponseWriter, status int, code string) {
	text := "Bearer realm=" + quoted(v.audience)
	if code != "" {
		text += ", error=" + quoted(code)
	}
	w.Header().Set("WWW-Authenticate", text)
	answer(w, status)
}

// quoted writes a quoted string (RFC 9110 §5.6.4), without what has no place in a header.
func quoted(text string) string {
	out := []byte{'"'}
	for _, b := range []byte(text) {
		switch {
		case b < ' ' || b == 0x7f:
			continue
		case b == '"' || b == '\\':
			out = append(out, '\\')
		}
		out = append(out, b)
	}
	return string(append(out, '"'))
}

func answer(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}
