// Package origin knows with which addresses secrets may be exchanged. It serves the packages that live in other people's
// programs, and so links nothing but the standard library.
package origin

import (
	"net"
	"net/url"
	"strings"
)

// Secure reports whether nobody on the way can read what is sent to an address or answer in its stead: it is HTTPS, or
// plain HTTP that does not leave this machine.
func Secure(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

// loopback reports whether a host is this machine by its name or address. Names are not looked up.
func loopback(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}
