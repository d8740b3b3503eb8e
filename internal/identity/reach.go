package identity

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Reach is what this server may call (rule 35): the dialer's word on addresses, before anything is dialled. Its zero value is
// public addresses alone.
type Reach struct {
	dialer dialer
	local  localFunc
}

// NewReach returns what a Verifier with the same options may call.
func NewReach(o Options) Reach {
	return Reach{dialer{allowLoopback: o.AllowLoopback, exceptions: o.Exceptions}, o.Local}
}

// ours reports whether an issuer is a workspace of this installation. It may be wherever we are: nothing is dialled.
func (r Reach) ours(issuer string) bool {
	if r.local == nil {
		return false
	}
	_, ours := r.local(issuer)
	return ours
}

// CheckSource is CheckSource, with HTTP on loopback where that may be called, and for issuers of our own.
func (r Reach) CheckSource(issuer string, src KeySource) error {
	return CheckSource(issuer, src, r.dialer.allowLoopback || r.ours(issuer))
}

// CheckAddress refuses, with a *FieldError, the key source of a workspace's trust that has an address in place of a name, and
// one that the dialer would refuse: the trust would admit nobody. The source is one that CheckSource has accepted. Whatever a
// name means is judged when it is dialled.
func (r Reach) CheckAddress(workspace, issuer string, src KeySource) error {
	if r.ours(issuer) {
		return nil
	}
	field, address := "", ""
	switch src.Kind {
	case Discovery:
		field, address = "issuer", issuer
	case JWKSURL:
		field, address = "key_source.url", src.URL
	default: // nothing is dialled
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return &FieldError{field, err.Error()}
	}
	for _, target := range literal(u) {
		if r.dialer.admits(workspace, u.Scheme == "http", target) {
			return nil
		}
		err = &FieldError{field, "is at an address that may not be called: it is not public, and the operator has not listed it for this workspace"}
	}
	return err
}

// literal returns the addresses that a URL names without a name server's help: none for a name, but those that are this
// machine's wherever they are looked up (RFC 6761 §6.3).
func literal(u *url.URL) []netip.AddrPort {
	port := uint64(443)
	if u.Scheme == "http" {
		port = 80
	}
	if given, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		port = given
	}
	host := u.Hostname()
	if isLocalhost(host) {
		return []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)), netip.AddrPortFrom(netip.IPv6Loopback(), uint16(port)),
		}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return nil
	}
	return []netip.AddrPort{netip.AddrPortFrom(addr, uint16(port))}
}

func isLocalhost(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// isDisguised reports whether a host is an IPv4 address that not everybody reads as the same one, or as one at all: 127.1,
// 0x7f.1, 2130706433, 0177.0.0.1, or one with a dot at its end. No name ends in a number (RFC 3696 §2), so that nothing is
// lost with them.
func isDisguised(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
