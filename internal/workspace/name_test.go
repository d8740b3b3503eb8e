package workspace_test

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/workspace"
)

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "acme": true, "acme-2": true, "a--b": true, "system": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, "a-": false, "2a": false, "A": false, "aB": false, "a.b": false, "a/b": false, "a_b": false, "a b": false,
		"ä": false, "a\x00": false, "a\n": false, "..": false, "a%2fb": false, strings.Repeat("a", 64): false,
	} {
		if err := workspace.CheckName(name); ok != (err == nil) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRule06WhichIssuersAreOurs(t *testing.T) {
	c := workspace.NewCache(newDatabase(), base)
	for issuer, name := range map[string]string{
		base + "/w/acme": "acme", base + "/w/a": "a", base + "/w/unknown": "unknown", // that it exists is not said
		"": "", base: "", base + "/w/": "", base + "/w": "", base + "/w/acme/": "", base + "/w/acme/token": "", base + "/w/Acme": "",
		base + "/w/acme?": "", base + "/w/acme#": "", base + "//w/acme": "", base + "/x/acme": "", base + ":443/w/acme": "",
		"http://nsc.example/w/acme": "", "HTTPS://nsc.example/w/acme": "", "https://nsc.example.evil.example/w/acme": "", base + "evil/w/acme": "",
		" " + base + "/w/acme": "", base + "/w/acme ": "", base + "/w/../w/acme": "", base + "/w/%61cme": "",
	} {
		got, ours := c.NameOf(issuer)
		if got != name || ours != (name != "") {
			t.Errorf("%q: %q %v", issuer, got, ours)
		}
		if ours && c.Issuer(name) != issuer {
			t.Errorf("%q is not the issuer of %q", issuer, name)
		}
	}
}
