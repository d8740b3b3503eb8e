package server

import (
	"net"
	"net/netip"
	"testing"
)

func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	l := newFairListener(nil, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
	for _, c := range []struct {
		address string
		want    string // what is counted together; "" is not bounded
	}{
		{"198.51.100.7:1234", "198.51.100.7/32"}, {"[::ffff:198.51.100.7]:1", "198.51.100.7/32"}, {"[2001:db8::1]:1", "2001:db8::/64"},
		{"127.0.0.1:1", ""}, {"[::1]:1", ""}, {"192.0.2.9:1", ""},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.address)
		if err != nil {
			t.Fatal(err)
		}
		from, bounded := l.bounded(addr)
		if bounded != (c.want != "") || bounded && from.String() != c.want {
			t.Errorf("%s: %v %v", c.address, from, bounded)
		}
	}
	from := netip.MustParsePrefix("198.51.100.7/32")
	for range maxPerAddress {
		if !l.enter(from) {
			t.Fatal("refused too early")
		}
	}
	if l.enter(from) || !l.enter(netip.MustParsePrefix("198.51.100.8/32")) {
		t.Error("one too many was let in, or another was refused for it")
	}
	l.leave(from)
	if !l.enter(from) {
		t.Error("a place that was given back is lost")
	}
}
