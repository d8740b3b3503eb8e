package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Bounds of one answer.
const (
	maxDocument  = 512 << 10
	maxHeaders   = 64 << 10
	maxRedirects = 3
)

// fetcher asks issuers for their documents over HTTPS. Every document is had over a connection of its own: none that was
// opened under one workspace's exceptions or private authorities serves another.
type fetcher struct {
	allowLoopback bool
	dialer        interface {
		open(workspace string, plain bool) dialFunc
	}
}

// keys fetches the key set of an issuer and says from which address.
func (f *fetcher) keys(ctx context.Context, tenant Tenant, issuer string, src KeySource) (jwt.KeySet, string, error) {
	from, err := f.channel(tenant, src.CA)
	if err != nil {
		return jwt.KeySet{}, "", err
	}
	address := src.URL
	if src.Kind == Discovery {
		if address, err = from.discover(ctx, issuer); err != nil {
			return jwt.KeySet{}, "", err
		}
	}
	document, err := from.get(ctx, address)
	if err != nil {
		return jwt.KeySet{}, "", err
	}
	set, err := jwt.ParseKeySet(document)
	if err != nil {
		return jwt.KeySet{}, "", &failure{badDocument, fmt.Errorf("%s: %w", address, err)}
	}
	return set, address, nil
}

// channel is the fetcher for one workspace and one set of authorities.
type channel struct {
	*fetcher
	workspace string
	roots     *x509.CertPool // nil is the system's
}

func (f *fetcher) channel(tenant Tenant, ca string) (*channel, error) {
	c := &channel{fetcher: f, workspace: tenant.Name}
	if ca == "" {
		return c, nil
	}
	roots, err := parseAuthorities(ca)
	if err != nil {
		return nil, &failure{badCertificate, err}
	}
	c.roots = roots
	return c, nil
}

// get returns the document at an address, or a *failure.
func (c *channel) get(ctx context.Context, address string) ([]byte, error) {
	target, err := parseAddress(address, c.allowLoopback)
	if err != nil {
		return nil, &failure{refusedAddress, fmt.Errorf("%q: %w", address, err)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, &failure{refusedAddress, err}
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json") // Kubernetes has its keys only as the second
	request.Header.Set("User-Agent", "nsc")
	response, err := c.client(target.Scheme == "http").Do(request)
	if err != nil {
		return nil, transportFailure(err)
	}
	defer response.Body.Close()
	return readDocument(response)
}

// client returns a client that takes no proxy from the environment, which would dial in the filter's stead (rule 35),
// inflates nothing, and keeps no connection. The transport goes on dialling when the request's time is over, as if
// another request might want the connection; so that has a limit of its own, here and in the dialer.
func (c *channel) client(plain bool) *http.Client {
	return &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			DialContext:            c.dialer.open(c.workspace, plain),
			TLSClientConfig:        &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    fetchTime,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaders,
		},
	}
}

func checkRedirect(next *http.Request, via []*http.Request) error {
	from := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return &failure{badRedirect, fmt.Errorf("more than %d", maxRedirects)}
	case next.URL.Scheme != from.Scheme, next.URL.Host != from.Host, next.URL.User != nil:
		return &failure{badRedirect, fmt.Errorf("from %s to %s", from.Host, next.URL.Redacted())}
	}
	return nil
}

func readDocument(response *http.Response) ([]byte, error) {
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		return nil, &failure{serverError, fmt.Errorf("%s: %s", response.Request.URL, response.Status)}
	case response.StatusCode != http.StatusOK:
		return nil, &failure{noSuccess, fmt.Errorf("%s: %s", response.Request.URL, response.Status)}
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, transportFailure(err)
	case len(document) > maxDocument:
		return nil, &failure{tooLarge, fmt.Errorf("%s: more than %d bytes", response.Request.URL, maxDocument)}
	}
	return document, nil
}
