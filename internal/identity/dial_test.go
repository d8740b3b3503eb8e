package identity

import (
	"errors"
	"net/netip"
	"testing"
)

func TestRule35AddressesThatMayBeDialled(t *testing.T) {
	for _, row := range []struct {
		address string
		public  bool
	}{
		{"8.8.8.8", true},
		{"172.15.255.255", true},
		{"172.32.0.0", true},
		{"100.63.255.255", true},
		{"100.128.0.0", true},
		{"169.253.255.255", true},
		{"2606:4700::1111", true},
		{"::ffff:8.8.8.8", true},
		{"64:ff9b::808:808", true}, // 8.8.8.8 in a network without IPv4

		{"0.0.0.0", false},
		{"0.1.2.3", false},
		{"10.0.0.1", false},
		{"100.64.0.1", false},
		{"127.0.0.1", false},
		{"127.255.255.254", false},
		{"169.254.169.254", false},
		{"172.16.0.1", false},
		{"172.31.255.255", false},
		{"192.0.0.170", false},
		{"192.0.2.1", false},
		{"192.88.99.1", false},
		{"192.168.1.1", false},
		{"198.18.0.1", false},
		{"198.51.100.1", false},
		{"203.0.113.1", false},
		{"224.0.0.1", false},
		{"240.0.0.1", false},
		{"255.255.255.255", false},

		{"::", false},
		{"::1", false},
		{"::127.0.0.1", false},            // IPv4-compatible
		{"::ffff:127.0.0.1", false},       // IPv4-mapped
		{"::ffff:10.0.0.1", false},        //
		{"::ffff:169.254.169.254", false}, //
		{"::ffff:0:10.0.0.1", false},      // IPv4-translated
		{"64:ff9b::7f00:1", false},        // NAT64 of loopback
		{"64:ff9b::a00:1", false},         // NAT64 of a private address
		{"64:ff9b::a9fe:a9fe", false},     // NAT64 of a metadata service
		{"64:ff9b:1::a00:1", false},       // local NAT64
		{"2002:7f00:1::", false},          // 6to4 of loopback
		{"2002:a00:1::1", false},          // 6to4 of a private address
		{"2001:0:4136:e378::1", false},    // Teredo
		{"2001:db8::1", false},            // documentation
		{"3fff::1", false},                // documentation
		{"fc00::1", false},                // unique local
		{"fd00:ec2::254", false},          // a metadata service
		{"fe80::1", false},                // link-local
		{"fec0::1", false},                // site-local
		{"ff02::1", false},                // multicast
		{"5f00::1", false},                // segment routing
		{"100::1", false},                 // discard
	} {
		t.Run(row.address, func(t *testing.T) {
			err := new(dialer).admit("acme", false, netip.AddrPortFrom(netip.MustParseAddr(row.address), 443).String())
			if (err == nil) != row.public {
				t.Error(err)
			}
			if new(dialer).admit("acme", true, netip.AddrPortFrom(netip.MustParseAddr(row.address), 80).String()) == nil {
				t.Error("plain HTTP is admitted")
			}
		})
	}
}

func TestRule35Exceptions(t *testing.T) {
	d := &dialer{exceptions: []Exception{
		{"acme", netip.MustParsePrefix("10.1.0.0/16"), 8443},
		{"acme", netip.MustParsePrefix("fd00::/64"), 0},
	}}
	for _, row := range []struct {
		rule, workspace, address string
		plain, admitted          bool
	}{
		{"the workspace, the network, the port", "acme", "10.1.2.3:8443", false, true},
		{"the address as IPv6 writes it", "acme", "[::ffff:10.1.2.3]:8443", false, true},
		{"any port", "acme", "[fd00::1]:1234", false, true},
		{"another workspace", "beta", "10.1.2.3:8443", false, false},
		{"another network", "acme", "10.2.2.3:8443", false, false},
		{"another port", "acme", "10.1.2.3:443", false, false},
		{"never without TLS", "acme", "10.1.2.3:8443", true, false},
		{"never another interface's", "acme", "[fd00::1%eth0]:1234", false, false},
		{"not an address", "acme", "10.1.2.3", false, false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if err := d.admit(row.workspace, row.plain, row.address); (err == nil) != row.admitted {
				t.Error(err)
			}
		})
	}
}

func TestRule35LoopbackIsForDev(t *testing.T) {
	for _, row := range []struct {
		address         string
		plain, admitted bool
	}{
		{"127.0.0.1:80", true, true},
		{"127.0.0.1:443", false, true},
		{"[::1]:80", true, true},
		{"[::ffff:127.0.0.1]:80", true, true},
		{"8.8.8.8:443", false, true},
		{"8.8.8.8:80", true, false},
		{"10.0.0.1:443", false, false},
		{"169.254.169.254:80", true, false},
	} {
		t.Run(row.address, func(t *testing.T) {
			d := &dialer{allowLoopback: true}
			if err := d.admit("acme", row.plain, row.address); (err == nil) != row.admitted {
				t.Error(err)
			}
		})
	}
}

func TestARefusedAddressIsNoOutage(t *testing.T) {
	err := transportFailure(new(dialer).admit("acme", false, "10.0.0.1:443"))
	var f *failure
	if !errors.As(err, &f) || f.class != refusedAddress || isOutage(err) {
		t.Error(err)
	}
}
