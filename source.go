package nsc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/origin"
)

// Bounds of one answer.
const (
	maxHeaders   = 64 << 10
	maxRedirects = 3
)

// source is where the issuer's keys come from: its discovery document names the key set (OpenID Connect Discovery §4).
type source struct {
	issuer    string
	client    *http.Client
	allowHTTP bool
}

// ownClient returns the client for issuers that need no other. Its proxies are those of the environment.
func ownClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = maxHeaders
	return sameHost(http.Client{Transport: transport})
}

// sameHost makes a client follow redirects on the same host only: the issuer vouches for its own address, no more.
func sameHost(client http.Client) *http.Client {
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		from := via[0].URL
		if len(via) > maxRedirects || next.URL.Scheme != from.Scheme || next.URL.Host != from.Host {
			return &answerError{fmt.Errorf("a redirect from %s to %s", from.Host, next.URL.Redacted())}
		}
		return nil
	}
	return &client
}

// checkIssuer reports whether the issuer can be one: OpenID Connect Discovery §3 wants HTTPS, and neither query nor
// fragment.
func (s *source) checkIssuer() error {
	u, err := s.parse(s.issuer)
	if err == nil && (u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(s.issuer, "/")) {
		err = fmt.Errorf("%q is not an issuer of nsc: https://<host>/w/<workspace>", s.issuer)
	}
	return err
}

// parse reads an address that may be asked for keys.
func (s *source) parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, err
	case u.Host == "" || u.User != nil:
		return nil, fmt.Errorf("%q is not an address", u.Redacted())
	case u.Scheme == "https", s.allowHTTP && origin.Secure(u):
		return u, nil
	}
	return nil, fmt.Errorf("%q is not https (see InsecureAllowHTTP)", u.Redacted())
}

// fetch returns the keys that the issuer publishes.
func (s *source) fetch(ctx context.Context) (jwt.KeySet, error) {
	address := s.issuer + "/.well-known/openid-configuration"
	document, err := s.get(ctx, address)
	if err != nil {
		return jwt.KeySet{}, err
	}
	keys, err := s.discover(document)
	if err != nil {
		return jwt.KeySet{}, &answerError{fmt.Errorf("%s: %w", address, err)}
	}
	if document, err = s.get(ctx, keys); err != nil {
		return jwt.KeySet{}, err
	}
	set, err := jwt.ParseKeySet(document)
	if err != nil {
		return jwt.KeySet{}, &answerError{fmt.Errorf("%s: %w", keys, err)}
	}
	return set, nil
}

// discover returns where a discovery document says that the keys are. The scanner of claims reads it, for which names
// have a case and occur once.
func (s *source) discover(document []byte) (string, error) {
	metadata, err := jwt.ParseClaims(document)
	if err != nil {
		return "", err
	}
	if issuer, _ := metadata.Text("issuer"); issuer != s.issuer { // to the byte: OpenID Connect Discovery §4.3
		return "", fmt.Errorf("it names the issuer %.200q", issuer)
	}
	keys, _ := metadata.Text("jwks_uri")
	return keys, nil
}

func (s *source) get(ctx context.Context, address string) ([]byte, error) {
	if _, err := s.parse(address); err != nil {
		return nil, &answerError{err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &answerError{err}
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		return nil, &serverError{address, response.Status}
	case response.StatusCode != http.StatusOK:
		return nil, &answerError{fmt.Errorf("%s: %s", address, response.Status)}
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, jwt.MaxKeySetBytes+1))
	if err == nil && len(document) > jwt.MaxKeySetBytes {
		err = &answerError{fmt.Errorf("%s: more than %d bytes", address, jwt.MaxKeySetBytes)}
	}
	return document, err
}

// answerError is an answer that is not a key set of the issuer's.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// serverError is a 5xx.
type serverError struct{ address, status string }

func (e *serverError) Error() string { return e.address + ": " + e.status }

// isOutage reports whether a failed fetch says nothing about the keys: the network, or a 5xx. What is not known to be one
// of them is not; behind a certificate that is not valid may be somebody else in the issuer's place.
func isOutage(err error) bool {
	var server *serverError
	var answer *answerError
	var timed net.Error // the client's own errors are of this type too, whatever they wrap
	var operation *net.OpError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &server):
		return true
	case errors.As(err, &answer):
		return false
	}
	return errors.As(err, &timed) && timed.Timeout() || errors.As(err, &operation) || errors.As(err, &lookup) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
