package server

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// With a real certificate authority, ACME is tested in test/acme.

func TestTheConfigurationOfACME(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string // "" is good
	}{
		"as it should be":      {func(*Config) {}, ""},
		"with a port":          {func(c *Config) { c.BaseURL = "https://nsc.example.com:8443" }, ""},
		"self-signed, too":     {func(c *Config) { c.TLSSelfSigned = true }, "exclude each other"},
		"files, too":           {func(c *Config) { c.TLSCertFile, c.TLSKeyFile = "cert.pem", "key.pem" }, "exclude each other"},
		"nsc dev":              {func(c *Config) { c.Dev = true }, "nsc dev"},
		"no base URL":          {func(c *Config) { c.BaseURL = "" }, "base_url"},
		"an address":           {func(c *Config) { c.BaseURL = "https://192.0.2.1" }, "base_url"},
		"one label":            {func(c *Config) { c.BaseURL = "https://localhost" }, "base_url"},
		"plain HTTP":           {func(c *Config) { c.BaseURL = "http://127.0.0.1:8740" }, "base_url"},
		"directory over HTTP":  {func(c *Config) { c.ACMEDirectory = "http://ca.example.com/directory" }, "acme_directory"},
		"no directory":         {func(c *Config) { c.ACMEDirectory = "" }, "acme_directory"},
		"email without it":     {func(c *Config) { c.ACME, c.ACMEEmail = false, "ops@example.com" }, "acme: true"},
		"authority without it": {func(c *Config) { c.ACME, c.ACMECAFile = false, "ca.pem" }, "acme: true"},
	} {
		t.Run(name, func(t *testing.T) {
			config := serverConfig(t)
			config.ACME = true
			c.change(&config)
			checks(t, config, c.says)
		})
	}
}

func TestSecurityACMECallsItsDirectoryAlone(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	directory := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer directory.Close()
	roots := x509.NewCertPool()
	roots.AddCert(directory.Certificate())
	u, err := url.Parse(directory.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := acmeHTTP(u.Host, roots)
	for address, reached := range map[string]bool{
		directory.URL + "/directory": true, directory.URL + "/elsewhere": false, other.URL: false,
		strings.Replace(directory.URL, "https:", "http:", 1): false,
	} {
		response, err := client.Get(address)
		if err == nil {
			response.Body.Close()
		}
		if (err == nil) != reached {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() > 0 {
		t.Error("another host was called")
	}
}

// Nobody but the holder of the base URL's name gets a certificate, and nothing but a challenge of TLS-ALPN-01 is answered.
func TestSecurityACMEServesItsHostAlone(t *testing.T) {
	c := serverConfig(t)
	c.ACME, c.Listen = true, freeAddress(t)
	directory := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }))
	defer directory.Close()
	c.ACMEDirectory = directory.URL + "/directory"
	if err := os.Mkdir(filepath.Join(c.DataDir, "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	start(t, c)
	info, err := os.Stat(filepath.Join(c.DataDir, "acme"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the keys: %v %v", info, err)
	}
	for name, config := range map[string]*tls.Config{
		"another name": {ServerName: "other.example.com"}, "no name": {},
		"a challenge that is not under way": {ServerName: "nsc.example.com", NextProtos: []string{"acme-tls/1"}},
	} {
		config.InsecureSkipVerify = true // there is nothing to verify
		if conn, err := tls.Dial("tcp", c.Listen, config); err == nil {
			conn.Close()
			t.Errorf("%s: served", name)
		}
	}
	c.Listen, c.DataDir, c.ACMECAFile = "127.0.0.1:0", t.TempDir(), "no/such/file"
	says(t, fails(t, c), "acme_ca_file", "no/such/file")
}
