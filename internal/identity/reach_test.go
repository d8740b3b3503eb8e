package identity

import (
	"context"
	"net/netip"
	"testing"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// Rule 35: what the dialer would refuse whatever a name server says is refused when it is written, in whatever field it is.
func TestRule35AddressesThatMayBeWritten(t *testing.T) {
	server := Reach{}
	dev := NewReach(Options{AllowLoopback: true})
	listed := NewReach(Options{Exceptions: []Exception{
		{"acme", netip.MustParsePrefix("10.1.0.0/16"), 8443}, {"acme", netip.MustParsePrefix("127.0.0.0/8"), 0},
	}})
	for _, row := range []struct {
		address             string
		server, dev, listed bool
	}{
		{"https://issuer.example", true, true, true},
		{"https://8.8.8.8", true, true, true},
		{"https://[2606:4700::1111]:8443", true, true, true},
		{"https://127.0.0.1", false, true, true},
		{"https://127.9.9.9:8443", false, true, true},
		{"https://[::1]", false, true, false},
		{"https://[::ffff:127.0.0.1]", false, true, true},
		{"https://[::ffff:7f00:1]", false, true, true},
		{"https://[64:ff9b::7f00:1]", false, false, false},
		{"https://localhost", false, true, true},
		{"https://LocalHost:8443", false, true, true},
		{"https://localhost.", false, true, true},
		{"https://issuer.localhost", false, true, true},
		{"https://localhost.example", true, true, true},
		{"https://10.1.2.3", false, false, false},
		{"https://10.1.2.3:8443", false, false, true},
		{"https://[::ffff:10.1.2.3]:8443", false, false, true},
		{"https://10.2.2.3:8443", false, false, false},
		{"https://192.168.0.1", false, false, false},
		{"https://172.16.0.1", false, false, false},
		{"https://100.64.0.1", false, false, false},
		{"https://169.254.169.254/latest", false, false, false},
		{"https://[fd00:ec2::254]", false, false, false},
		{"https://[fe80::1%25eth0]", false, false, false},
		{"https://0.0.0.0", false, false, false},
		{"https://[::]", false, false, false},
		{"https://127.0.0.1.", false, false, false},
		{"https://127.1", false, false, false},
		{"https://0x7f.1", false, false, false},
		{"https://0x7F000001", false, false, false},
		{"https://2130706433", false, false, false},
		{"https://0177.0.0.1", false, false, false},
		{"https://127.0.0.01", false, false, false},
		{"https://256.0.0.1", false, false, false},
		{"https://issuer.1", false, false, false},
		{"https://issuer.0x", false, false, false},
		{"https://0x7f.example", true, true, true},
		{"https://1.example.", true, true, true},
		{"https://3com", true, true, true},
	} {
		t.Run(row.address, func(t *testing.T) {
			for _, c := range []struct {
				of    string
				reach Reach
				ok    bool
			}{{"server", server, row.server}, {"dev", dev, row.dev}, {"listed", listed, row.listed}} {
				check := func(issuer string, src KeySource, field string) {
					t.Helper()
					if c.ok {
						field = ""
					}
					err := c.reach.CheckSource(issuer, src)
					if err == nil {
						err = c.reach.CheckAddress("acme", issuer, src)
					}
					wantField(t, err, field)
				}
				check(row.address, KeySource{Kind: Discovery}, "issuer")
				check("https://issuer.example", KeySource{Kind: JWKSURL, URL: row.address + "/keys"}, "key_source.url")
			}
		})
	}
	wantField(t, listed.CheckAddress("beta", "https://10.1.2.3:8443", KeySource{Kind: Discovery}), "issuer")
	wantField(t, server.CheckAddress("acme", "https://10.1.2.3", KeySource{Kind: JWKS}), "") // nothing is fetched
	wantField(t, dev.CheckAddress("acme", "http://127.0.0.1:80", KeySource{Kind: Discovery}), "")
}

// What is our own is wherever we are, and never fetched.
func TestOurOwnIssuersMayBeWhereWeAre(t *testing.T) {
	own := "http://127.0.0.1:8740/w/dev"
	reach := NewReach(Options{Local: func(issuer string) (func(context.Context) (jwt.KeySet, error), bool) { return nil, issuer == own }})
	for issuer, field := range map[string]string{own: "", "http://127.0.0.1:8740/w/dev/": "issuer", "https://127.0.0.1:8740/w/dev": "issuer"} {
		err := reach.CheckSource(issuer, KeySource{Kind: Discovery})
		if err == nil {
			err = reach.CheckAddress("acme", issuer, KeySource{Kind: Discovery})
		}
		wantField(t, err, field)
	}
}
