package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Bounds of what a trust may say of its issuer.
const (
	maxIssuer      = 512
	maxAddress     = 2048
	maxAuthorities = 64 << 10
)

// FieldError says which field of an issuer's description is wrong, and why, for whoever wrote it.
type FieldError struct {
	Field   string // as in the API: issuer, or key_source.<member>
	Problem string
}

// Error returns the field and its problem.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// CheckSource refuses, with a *FieldError, an issuer or a key source that nobody could ever use, when it is written. Whether
// this server may call it is for Reach to say, and of a name for the dialer: what a name means may change.
func CheckSource(issuer string, src KeySource, allowHTTPLoopback bool) error {
	if err := checkIssuer(issuer, allowHTTPLoopback); err != nil {
		return &FieldError{"issuer", err.Error()}
	}
	if err := checkMembers(src); err != nil {
		return err
	}
	switch src.Kind {
	case JWKSURL:
		if _, err := parseAddress(src.URL, allowHTTPLoopback); err != nil {
			return &FieldError{"key_source.url", err.Error()}
		}
	case JWKS:
		if err := checkKeySet([]byte(src.JWKS)); err != nil {
			return &FieldError{"key_source.jwks", err.Error()}
		}
	}
	if src.CA == "" {
		return nil
	}
	if _, err := parseAuthorities(src.CA); err != nil {
		return &FieldError{"key_source.ca", err.Error()}
	}
	return nil
}

// checkKeySet refuses a document without a key to verify with, and one with a private key in it: whoever may read trusts
// would read that. It is not quoted.
func checkKeySet(document []byte) error {
	if member := jwt.Private(document); member != "" {
		return fmt.Errorf("has the private half of a key, or a secret one (the member %s); give the public halves alone, and replace "+
			"that key: it has left its place", member)
	}
	_, err := jwt.ParseKeySet(document)
	return err
}

// checkIssuer holds an issuer to OpenID Connect Discovery §3 (https, no query, no fragment) and to what is ours: no user
// name and a bounded length. It normalises nothing: an issuer is its bytes.
func checkIssuer(issuer string, allowHTTPLoopback bool) error {
	if len(issuer) > maxIssuer {
		return fmt.Errorf("must be at most %d bytes", maxIssuer)
	}
	if strings.ContainsAny(issuer, "?#") {
		return errors.New("must have no query and no fragment")
	}
	_, err := parseAddress(issuer, allowHTTPLoopback)
	return err
}

// checkMembers demands the members that the kind needs and refuses those that it would ignore.
func checkMembers(src KeySource) error {
	var needsURL, needsDocument bool
	switch src.Kind {
	case Discovery:
	case JWKSURL:
		needsURL = true
	case JWKS:
		needsDocument = true
	default:
		return &FieldError{"key_source.kind", fmt.Sprintf("must be %s, %s or %s", Discovery, JWKSURL, JWKS)}
	}
	for _, member := range []struct {
		name          string
		present, need bool
	}{
		{"url", src.URL != "", needsURL},
		{"jwks", src.JWKS != "", needsDocument},
		{"not_after", !src.NotAfter.IsZero(), needsDocument}, // rule 15
	} {
		switch {
		case member.need && !member.present:
			return &FieldError{"key_source." + member.name, fmt.Sprintf("is needed with kind %s", src.Kind)}
		case member.present && !member.need:
			return &FieldError{"key_source." + member.name, fmt.Sprintf("has no meaning with kind %s", src.Kind)}
		}
	}
	if src.CA != "" && needsDocument {
		return &FieldError{"key_source.ca", fmt.Sprintf("has no meaning with kind %s", src.Kind)}
	}
	return nil
}

// parseAddress accepts an absolute https URL; where allowed also http, to loopback.
func parseAddress(address string, allowHTTPLoopback bool) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("must be at most %d bytes", maxAddress)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Opaque != "", u.Hostname() == "", strings.ContainsFunc(address, notGraphic):
		return nil, errors.New("must be an absolute URL: https://host/path")
	case isDisguised(u.Hostname()):
		return nil, errors.New("must have a name for its host, or an address in its usual form")
	case u.User != nil:
		return nil, errors.New("must not contain a user name")
	case strings.Contains(address, "#"):
		return nil, errors.New("must have no fragment")
	case strings.HasPrefix(address, "https://"):
		return u, nil
	case strings.HasPrefix(address, "http://") && allowHTTPLoopback && isLoopbackName(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("must begin with https://")
}

// notGraphic reports whether a character is not one of those that URLs are written in (RFC 3986 §2).
func notGraphic(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }

func isLoopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// parseAuthorities reads PEM certificates and nothing else.
func parseAuthorities(text string) (*x509.CertPool, error) {
	if len(text) > maxAuthorities {
		return nil, fmt.Errorf("must be at most %d bytes", maxAuthorities)
	}
	roots, rest := x509.NewCertPool(), []byte(text)
	for {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("must be PEM certificates and nothing else")
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("has a certificate that cannot be read")
		}
		roots.AddCert(certificate)
		if rest = bytes.TrimSpace(after); len(rest) == 0 {
			return roots, nil
		}
	}
}
