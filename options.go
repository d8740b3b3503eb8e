package nsc

import (
	"log/slog"
	"net/http"
	"time"
)

// Option is a way in which a [Verifier] differs from what is best for most. A nil one changes nothing.
type Option func(*Verifier)

// AccessTokens has the verifier accept access tokens (typ "at+jwt", RFC 9068), and no ID tokens.
func AccessTokens() Option {
	return func(v *Verifier) { v.typ = accessToken }
}

// maxLeeway is the most that clocks are forgiven: minutes are how long tokens live.
const maxLeeway = 5 * time.Minute

// Leeway forgives differences between the issuer's clock and yours: tokens are good for so much longer, at most five
// minutes. The default is none; the issuer backdates its tokens by half a minute, for clocks that are behind.
func Leeway(d time.Duration) Option {
	return func(v *Verifier) { v.leeway = d }
}

// HTTPClient has keys fetched by a client of yours, for an issuer whose certificate is signed by a private authority or
// that is reached through a certain proxy; nil changes nothing. Redirects are followed on the same host only, whatever the
// client says.
func HTTPClient(client *http.Client) Option {
	if client == nil {
		return nil
	}
	return func(v *Verifier) { v.keys.source.client = sameHost(*client) }
}

// Log has failures to fetch keys logged. The default is not to: [Verifier.Verify] returns them too, but only when
// tokens cannot be verified any more, which is an hour later; nil changes nothing.
func Log(log *slog.Logger) Option {
	if log == nil {
		return nil
	}
	return func(v *Verifier) { v.keys.log = log }
}

// InsecureAllowHTTP accepts an issuer over plain HTTP, on this machine only ("nsc dev"). Whoever can answer in the
// issuer's stead signs tokens for everybody, and over plain HTTP that is any program that gets hold of the port. You MUST
// NOT use it outside of tests and of development.
func InsecureAllowHTTP() Option {
	return func(v *Verifier) { v.keys.source.allowHTTP = true }
}
