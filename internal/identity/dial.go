package identity

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// dialer opens connections to public addresses only (rule 35). It judges the address that is about to be connected to,
// after the name server has spoken for the last time: whatever was looked up, written or answered before, no other
// address is ever reached.
type dialer struct {
	allowLoopback bool
	exceptions    []Exception
	resolver      *net.Resolver // nil is the system's
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// open returns the dial function for one workspace; plain says that the connection will carry HTTP without TLS, which
// nobody but loopback may hear.
func (d *dialer) open(workspace string, plain bool) dialFunc {
	dial := net.Dialer{
		Timeout:  fetchTime,
		Resolver: d.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return d.admit(workspace, plain, address)
		},
	}
	return dial.DialContext
}

func (d *dialer) admit(workspace string, plain bool, address string) error {
	target, err := netip.ParseAddrPort(address)
	if err == nil && d.admits(workspace, plain, target) {
		return nil
	}
	return &failure{refusedAddress, fmt.Errorf("workspace %s: address %s is refused", workspace, address)}
}

func (d *dialer) admits(workspace string, plain bool, target netip.AddrPort) bool {
	addr := target.Addr().Unmap()
	switch {
	case addr.Zone() != "":
		return false
	case addr.IsLoopback() && d.allowLoopback:
		return true
	case plain:
		return false
	case isPublic(addr):
		return true
	}
	for _, e := range d.exceptions {
		if e.Workspace == workspace && e.Prefix.Contains(addr) && (e.Port == 0 || e.Port == target.Port()) {
			return true
		}
	}
	return false
}

// notPublic are the IPv4 networks that are not the public internet (RFC 6890 and the IANA registry after it).
var notPublic = prefixes(
	"0.0.0.0/8",       // this network
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local; the clouds' metadata services
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved; broadcast
)

// globalUnicast is all of IPv6 that is assigned to the internet so far. Outside are loopback, unspecified, unique local,
// link-local, multicast, IPv4-compatible and local NAT64 (64:ff9b:1::/48) addresses.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// notPublic6 are the exceptions within globalUnicast. 6to4 and Teredo hide an IPv4 address inside; nobody serves an
// issuer there any more (RFC 7526), so that nothing is lost with them.
var notPublic6 = prefixes(
	"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

// nat64 carries an IPv4 address in its last four bytes (RFC 6052 §2.1). In a network that has nothing but IPv6, public
// issuers have such addresses, so the address inside is judged.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	switch {
	case addr.Is4():
		return !contains(notPublic, addr)
	case nat64.Contains(addr):
		bytes := addr.As16()
		return isPublic(netip.AddrFrom4([4]byte(bytes[12:])))
	}
	return globalUnicast.Contains(addr) && !contains(notPublic6, addr)
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}
