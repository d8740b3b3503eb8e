package identity

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// class is what a workspace may learn of why its issuer's keys could not be fetched (rule 35). The detail (addresses,
// what the name server said, which port answered) would make the fetcher a telescope into our network.
type class string

const (
	unreachable    class = "the issuer cannot be reached"
	serverError    class = "the issuer answered with a server error"
	noSuccess      class = "the issuer did not answer with success"
	refusedAddress class = "the issuer's address is not one that may be called"
	badCertificate class = "the issuer's certificate is not valid"
	badRedirect    class = "the issuer redirects to another place"
	tooLarge       class = "the issuer's document is too large"
	badDocument    class = "the issuer's document is not what it should be"
	otherIssuer    class = "the discovery document names another issuer"
)

// failure is why a fetch gave no keys. Its text is its class; detail is for the operator's log.
type failure struct {
	class  class
	detail error
}

func (f *failure) Error() string { return string(f.class) }

// Gist returns the class, which is all that a workspace may learn.
func (f *failure) Gist() string { return string(f.class) }

func detailed(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return f.detail
	}
	return err
}

// isOutage reports whether a failure extends the life of the set at hand (rule 15).
func isOutage(err error) bool {
	var f *failure
	return errors.As(err, &f) && (f.class == unreachable || f.class == serverError)
}

// transportFailure classifies an error of the HTTP client. Only what is known to be the network's fault is an outage.
func transportFailure(err error) error {
	var f *failure
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &f): // the dialer's or the redirect check's
		return &failure{f.class, err}
	case errors.As(err, &certificate):
		return &failure{badCertificate, err}
	case isNetworkError(err):
		return &failure{unreachable, err}
	}
	return &failure{badDocument, err}
}

func isNetworkError(err error) bool {
	var timed net.Error // the client's own errors are of this type too, whatever they wrap
	var operation *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &timed) && timed.Timeout() || errors.As(err, &operation) || errors.As(err, &lookup) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
