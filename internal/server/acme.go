package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// acmeCallTimeout is for one call of the ACME directory, of which a certificate takes about ten.
const acmeCallTimeout = 30 * time.Second

// checkACME returns what is wrong with the keys of ACME.
func (c Config) checkACME() error {
	if !c.ACME {
		if c.ACMEEmail != "" || c.ACMECAFile != "" {
			return errors.New("acme_email and acme_ca_file are for acme: true, which is not set")
		}
		return nil
	}
	if c.Dev {
		return errors.New("acme: no certificate authority reaches nsc dev; use tls_self_signed")
	}
	if c.TLSSelfSigned || c.TLSCertFile != "" {
		return errors.New("acme, tls_self_signed and tls_cert_file exclude each other")
	}
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Scheme != "https" || !isPublicName(base.Hostname()) {
		return fmt.Errorf("acme: base_url %q must be https with the DNS name that the certificate is for", c.BaseURL)
	}
	directory, err := url.Parse(c.ACMEDirectory)
	if err != nil || directory.Scheme != "https" || directory.Host == "" || directory.User != nil {
		return fmt.Errorf("acme_directory: %q is not a URL like %s", c.ACMEDirectory, autocert.DefaultACMEDirectory)
	}
	return nil
}

// isPublicName reports whether a host may be in a certificate of a public authority by TLS-ALPN-01: no address, and not a
// single label.
func isPublicName(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && strings.Contains(strings.Trim(host, "."), ".")
}

// openACME returns what gets certificates for the host of the base URL, and for no other. It proves that the host is ours
// on our own listener, by TLS-ALPN-01 (RFC 8737), and in no other way.
func openACME(c Config) (*autocert.Manager, error) {
	base, directory, err := c.acmeURLs()
	if err != nil {
		return nil, err
	}
	roots, err := authorities(c.ACMECAFile)
	if err != nil {
		return nil, fmt.Errorf("acme_ca_file: %w", err)
	}
	folder := filepath.Join(c.DataDir, "acme") // private keys are in it
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("acme: %w", err)
	}
	if err := os.Chmod(folder, 0o700); err != nil { // it may have been restored by somebody less careful
		return nil, fmt.Errorf("acme: %w", err)
	}
	return &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(folder), HostPolicy: autocert.HostWhitelist(base.Hostname()),
		Email:  c.ACMEEmail,
		Client: &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: acmeHTTP(directory.Host, roots), UserAgent: "nsc/" + Version},
	}, nil
}

func (c Config) acmeURLs() (base, directory *url.URL, err error) {
	if base, err = url.Parse(c.BaseURL); err != nil {
		return nil, nil, err
	}
	directory, err = url.Parse(c.ACMEDirectory)
	return base, directory, err
}

// authorities reads certificates that are trusted; nil, the system's, where there is no file.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}

func acmeHTTP(host string, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: acmeCallTimeout,
		Transport: oneHost{host, &http.Transport{ // without a proxy from the environment, as all our calls (rule 35)
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			IdleConnTimeout: time.Minute,
		}},
	}
}

// oneHost calls one host over HTTPS and no other, whatever a directory's answers or redirects name.
type oneHost struct {
	host string
	next http.RoundTripper
}

// RoundTrip refuses other hosts.
func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != o.host {
		return nil, fmt.Errorf("acme: %s is not on the host of acme_directory", r.URL.Redacted())
	}
	return o.next.RoundTrip(r)
}

// obtainCertificate gets the certificate before the first caller needs it, who would have to wait. What fails is tried
// again by the callers who come, at most once a minute.
func (n *node) obtainCertificate(ctx context.Context) {
	if n.acme == nil {
		return
	}
	base, err := url.Parse(n.baseURL)
	if err != nil {
		return // Check has parsed it before
	}
	done := make(chan struct{})
	go func() { // the library takes no context
		defer close(done)
		certificate, err := n.acme.GetCertificate(&tls.ClientHelloInfo{
			ServerName: base.Hostname(), CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // as most callers
		})
		if err != nil {
			n.log.Error("no certificate by ACME; port 443 of the host in base_url must reach this server",
				"host", base.Hostname(), "directory", n.config.ACMEDirectory, "error", err)
			return
		}
		n.log.Info("serving with a certificate by ACME", "host", base.Hostname(), "until", certificate.Leaf.NotAfter)
	}()
	select {
	case <-done:
	case <-ctx.Done(): // it ends with the process
	}
}
