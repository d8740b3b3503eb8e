package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

const maxHeader = 64 << 10 // bytes

// transport returns the HTTP client, which follows no redirect.
func (c *Client) transport() (*http.Client, error) {
	c.once.Do(func() {
		var own http.Client
		if c.HTTPClient != nil {
			own = *c.HTTPClient
		} else {
			own.Transport, c.httpErr = transport(os.Getenv("NSC_CA_FILE"))
		}
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c.http = &own
	})
	return c.http, c.httpErr
}

// transport is the standard one, with the authorities of a PEM file beside the system's.
func transport(authorities string) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = maxHeader
	if authorities == "" {
		return t, nil
	}
	text, err := os.ReadFile(authorities)
	if err != nil {
		return nil, fmt.Errorf("client: NSC_CA_FILE: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("client: NSC_CA_FILE: %s holds no certificate", authorities)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t, nil
}
