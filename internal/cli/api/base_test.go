package api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
)

func TestCheckBase(t *testing.T) {
	for text, want := range map[string]string{
		"https://nsc.example.com":      "https://nsc.example.com",
		"https://nsc.example.com/":     "https://nsc.example.com",
		"https://NSC.Example.com":      "https://nsc.example.com",
		"https://nsc.example.com:443":  "https://nsc.example.com",
		"https://nsc.example.com:8443": "https://nsc.example.com:8443",
		"https://example.com/nsc/":     "https://example.com/nsc",
		"http://127.0.0.1:8740":        "http://127.0.0.1:8740",
		"http://[::1]:8740":            "http://[::1]:8740",
		"http://localhost:80":          "http://localhost",
		"http://nsc.localhost":         "http://nsc.localhost",
		"http://nsc.example.com":       "", // in clear to another machine
		"http://127.0.0.1.example.com": "",
		"http://10.0.0.1":              "",
		"nsc.example.com":              "",
		"ftp://nsc.example.com":        "",
		"https://":                     "",
		"https://me:pw@example.com":    "",
		"https://example.com?x=1":      "",
		"https://example.com#x":        "",
		"":                             "",
	} {
		got, err := CheckBase(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("CheckBase(%q) = %q, %v; want %q", text, got, err, want)
		}
		if err != nil && failure.From(err).Status != failure.Misused {
			t.Errorf("CheckBase(%q): status %d", text, failure.From(err).Status)
		}
	}
}

func TestRoots(t *testing.T) {
	if pool, err := Roots(""); pool != nil || err != nil {
		t.Errorf("no file: %v, %v", pool, err)
	}
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, empty + ".none"} {
		if _, err := Roots(file); failure.From(err).Status != failure.Misused {
			t.Errorf("%s: %v", file, err)
		}
	}
}
