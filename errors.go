package nsc

import (
	"errors"
	"fmt"
	"time"
)

// Why a token is refused. Errors of [Verifier.Verify] wrap one of them; their text is for your log and not for the
// caller, whom [Verifier.Handler] tells nothing but that the token is not good.
var (
	ErrMalformed       = errors.New("nsc: not a well-formed token")    // too large, not three parts, broken JSON, claims of wrong types
	ErrAlgorithm       = errors.New("nsc: algorithm not accepted")     // none, an HMAC, an unknown one, or not one for the key
	ErrType            = errors.New("nsc: another kind of token")      // an access token for an ID token, or the other way round
	ErrIssuer          = errors.New("nsc: token of another issuer")    // not the one that you trust, to the byte
	ErrAudience        = errors.New("nsc: token for another audience") // not for you, or not for you alone
	ErrIncomplete      = errors.New("nsc: token lacks a claim")        // sub, iat or exp
	ErrExpired         = errors.New("nsc: token has expired")
	ErrNotYetValid     = errors.New("nsc: token is not valid yet")
	ErrSignature       = errors.New("nsc: signature not of the issuer") // forged, or by a key that the issuer does not publish
	ErrKeysUnavailable = errors.New("nsc: the issuer's keys cannot be had")
	ErrMisconfigured   = errors.New("nsc: the verifier is misconfigured")
)

// KeysUnavailableError is the error where the issuer's keys cannot be had: it says nothing about the token, which may be
// good. It is an [ErrKeysUnavailable] with its cause.
type KeysUnavailableError struct {
	RetryAfter time.Duration // when trying again may help: at least a second
	cause      error
}

// Error returns the cause.
func (e *KeysUnavailableError) Error() string {
	return fmt.Sprintf("%v: %v", ErrKeysUnavailable, e.cause)
}

// Unwrap returns [ErrKeysUnavailable] and the cause.
func (e *KeysUnavailableError) Unwrap() []error { return []error{ErrKeysUnavailable, e.cause} }

// refuse returns an error that wraps one of the reasons above.
func refuse(reason error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", reason, fmt.Sprintf(format, args...))
}
