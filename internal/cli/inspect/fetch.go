package inspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/jwt"
)

const fetchTimeout = 5 * time.Second

var errRedirect = errors.New("it redirects elsewhere")

// Fetcher returns a Fetch over HTTPS, or HTTP to this machine. The address comes from somebody else's token: the request
// carries nothing of the user's, goes nowhere else than it says, and its answer is capped in size and time.
func Fetcher(roots *x509.CertPool, agent string) Fetch {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.MaxResponseHeaderBytes = 64 << 10
	client := &http.Client{
		Timeout: fetchTimeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
	return func(ctx context.Context, address string) ([]byte, error) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && api.Loopback(u.Hostname())) {
			return nil, fmt.Errorf("%q is not an https address", address)
		}
		body, err := get(ctx, client, address, agent)
		if err != nil {
			return nil, fmt.Errorf("%s was not reached: %w", address, plain(err))
		}
		return body, nil
	}
}

func get(ctx context.Context, client *http.Client, address, agent string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", agent)
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, jwt.MaxKeySetBytes+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	case len(body) > jwt.MaxKeySetBytes:
		return nil, fmt.Errorf("it answered with more than %d KiB", jwt.MaxKeySetBytes>>10)
	}
	return body, nil
}

// plain takes the address out of an error, which is said already.
func plain(err error) error {
	var outer *url.Error
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &authority):
		return errors.New("its certificate is of an authority that is not known here; --ca-file FILE adds it")
	case errors.As(err, &outer):
		if outer.Timeout() {
			return errors.New("no answer in time")
		}
		return outer.Err
	}
	return err
}
