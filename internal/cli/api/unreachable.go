package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"

	"github.com/nsc-federation/nsc/internal/failure"
)

const setURL = "is it running? Another address is set by --url (NSC_URL)"

// unreachable makes the failure of a call that got no answer.
func unreachable(ctx context.Context, base string, err error) error {
	if ctx.Err() != nil {
		return failure.Wrap(failure.Failed, err, "interrupted", "")
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return failure.Wrap(failure.Unreachable, err,
			fmt.Sprintf("the server at %s was not trusted: %v", base, certificate.Err), certificateTodo(certificate.Err))
	}
	return failure.Wrap(failure.Unreachable, err, fmt.Sprintf("the server at %s was not reached: %s", base, cause(err)), setURL)
}

func certificateTodo(err error) string {
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) {
		return "name the certificate authority that signed it: --ca-file FILE (or NSC_CA_FILE)"
	}
	return "is --url (NSC_URL) the name that its certificate is for, and is this machine's clock right?"
}

// cause takes the one thing that matters out of a chain of network errors.
func cause(err error) string {
	var timeout net.Error
	var name *net.DNSError
	var op *net.OpError
	var outer *url.Error
	switch {
	case errors.As(err, &name):
		return "no such host: " + name.Name
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return op.Err.Error()
	case errors.As(err, &outer):
		return outer.Err.Error()
	}
	return err.Error()
}

// stranger makes the failure of an error that was not worded by nsc.
func stranger(base string, resp *http.Response, body []byte) error {
	switch {
	case resp.StatusCode/100 == 3:
		return failure.New(failure.Unreachable,
			fmt.Sprintf("the server at %s answered with a redirect to %s, which is not followed with a token", base, target(resp)),
			"set --url (NSC_URL) to where the server is")
	case resp.StatusCode == http.StatusMisdirectedRequest: // nsc dev answers to its own names only (rule 36)
		return failure.New(failure.Unreachable,
			fmt.Sprintf("the server at %s has other names: %s", base, oneLine(string(body[:min(len(body), 200)]))), "use one of them as --url (NSC_URL)")
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusServiceUnavailable,
		resp.StatusCode == http.StatusGatewayTimeout:
		return failure.New(failure.Unreachable,
			fmt.Sprintf("the server behind %s was not reached: its proxy answered %s", base, status(resp)), "try again in a moment")
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind == "" {
		kind = "no content type"
	}
	return strange(base, fmt.Sprintf("answered %s with %s", status(resp), kind))
}

func status(resp *http.Response) string {
	return fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
}

func target(resp *http.Response) string {
	location, err := resp.Location()
	if err != nil {
		return "nowhere"
	}
	return oneLine(location.Redacted())
}

func strange(base, what string) error {
	return failure.New(failure.Unreachable, fmt.Sprintf("%s %s: it does not seem to be an nsc server", base, what),
		"set --url (NSC_URL) to the server's base URL")
}
