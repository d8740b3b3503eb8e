package origin

import (
	"net/url"
	"testing"
)

func TestSecurityPlainHTTPStaysOnThisMachine(t *testing.T) {
	for address, want := range map[string]bool{
		"https://nsc.example.com/w/prod":   true,
		"https://10.0.0.1":                 true,
		"http://127.0.0.1:8740":            true,
		"http://127.1.2.3":                 true,
		"http://[::1]:8740":                true,
		"http://LOCALHOST:8740":            true,
		"http://nsc.localhost":             true,
		"http://nsc.example.com":           false,
		"http://10.0.0.1":                  false,
		"http://0.0.0.0":                   false,
		"http://127.0.0.1.evil.example":    false,
		"http://localhost.evil.example":    false,
		"http://notlocalhost":              false,
		"http://[::ffff:10.0.0.1]":         false,
		"http://nsc.example.com@127.0.0.1": true,
		"http://127.0.0.1@evil.example":    false,
		"ftp://127.0.0.1":                  false,
		"https://":                         false,
		"https:opaque":                     false,
		"//127.0.0.1":                      false,
		"":                                 false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := Secure(u); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}
