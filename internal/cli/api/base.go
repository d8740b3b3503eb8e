package api

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/nsc-federation/nsc/internal/failure"
)

// CheckBase returns a server's base URL in the one form in which two of them are compared: scheme and host in lower
// case, no default port, no slash at the end.
func CheckBase(text string) (string, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return "", failure.Misuse(fmt.Sprintf("%q is not the URL of a server", text),
			"write it as https://nsc.example.com (--url, or NSC_URL)")
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "", failure.Misuse(fmt.Sprintf("the server's URL %q has more than a scheme, a host and a path", u.Redacted()),
			"write it as https://nsc.example.com (--url, or NSC_URL)")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		return "", failure.Misuse(fmt.Sprintf("%s is plain HTTP to another machine: tokens could be read on the way", text),
			"use https (nsc server --tls-self-signed makes a certificate)")
	}
	u.Host = strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String(), nil
}

// Loopback reports whether a host is this machine by its name or address. Names are not looked up.
func Loopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Roots returns the system's certificate authorities and those of a PEM file; nil, the system's, without a file.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, failure.Wrap(failure.Misused, err, "the CA file cannot be read: "+err.Error(),
			"have --ca-file (NSC_CA_FILE) name a PEM file")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, failure.Misuse("the CA file "+file+" holds no certificate",
			"have --ca-file (NSC_CA_FILE) name a PEM file")
	}
	return pool, nil
}
