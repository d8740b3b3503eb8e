package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const host = "nsc.example.com"

// writeConfig writes the configuration of a server and returns its file.
func writeConfig(t *testing.T, a *authority, listen, data string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nsc.yaml")
	text := fmt.Sprintf("listen: %s\nbase_url: https://%s\ndata_dir: %s\nacme: true\nacme_email: ops@example.com\nacme_directory: %s\nacme_ca_file: %s\n",
		listen, host, data, a.directory, a.caFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serve runs a server, and returns once it says that it is ready.
func serve(t *testing.T, config string) *process {
	t.Helper()
	// A proxy of the environment would be asked for the directory, and fail.
	p := run(t, "nsc", []string{"HTTPS_PROXY=http://127.0.0.1:1", "NSC_CONFIG=" + config}, "server")
	until(t, "nsc is ready", func() error {
		if !strings.Contains(p.String(), "nsc server is ready") {
			return fmt.Errorf("it said %q", p)
		}
		return nil
	})
	return p
}

// certificate returns what is served for a name, once a client that trusts the authority accepts it.
func certificate(a *authority, listen, name string) (*x509.Certificate, error) {
	dialer := tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: a.roots, NextProtos: []string{"h2"}}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", listen)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// A certificate is had for the host of the base URL, proved by TLS-ALPN-01 alone, served, and kept over a restart.
func TestACertificateIsObtainedServedAndKept(t *testing.T) {
	listen, data := free(t), t.TempDir()
	a := newAuthority(t, listen, 90*24*time.Hour)
	config := writeConfig(t, a, listen, data)
	server := serve(t, config)
	var first *x509.Certificate
	until(t, "a certificate is served", func() (err error) {
		first, err = certificate(a, listen, host)
		return err
	})
	if !slices.Equal(first.DNSNames, []string{host}) {
		t.Errorf("names %v", first.DNSNames)
	}
	ready(t, a, listen)
	until(t, "the log says so", func() error {
		if !strings.Contains(server.String(), "serving with a certificate by ACME") {
			return fmt.Errorf("it says %q", server)
		}
		return nil
	})
	if _, err := certificate(a, listen, "other.example.com"); err == nil || strings.Contains(a.String(), "other.example.com") {
		t.Errorf("another name: %v, and Pebble was asked for it", err)
	}
	for _, line := range strings.Split(a.String(), "\n") {
		if strings.Contains(line, "http-01") || strings.Contains(line, "dns-01") {
			t.Errorf("another proof than TLS-ALPN-01: %s", line)
		}
	}
	private(t, filepath.Join(data, "acme"))

	server.stop()
	a.stop() // what is served now was kept
	serve(t, config)
	second, err := certificate(a, listen, host)
	if err != nil {
		t.Fatal(err)
	}
	if !second.Equal(first) {
		t.Errorf("certificate %s, and after a restart %s", first.SerialNumber, second.SerialNumber)
	}
}

// ready asks the server over HTTPS, as its users do.
func ready(t *testing.T, a *authority, listen string) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listen)
		},
		TLSClientConfig: &tls.Config{RootCAs: a.roots}, ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get("https://" + host + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("%s %s", response.Proto, response.Status)
	}
}

// private fails the test where others may read a folder of keys.
func private(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return nil
	})
	if err != nil || files < 2 {
		t.Errorf("%d files, not an account's key and a certificate: %v", files, err)
	}
}

// A certificate is replaced before its end, while the server runs, and the new one is what is kept.
func TestACertificateIsRenewed(t *testing.T) {
	listen, data := free(t), t.TempDir()
	a := newAuthority(t, listen, 15*time.Second) // renewed after two thirds
	config := writeConfig(t, a, listen, data)
	serve(t, config)
	var first, second *x509.Certificate
	until(t, "a certificate is served", func() (err error) {
		first, err = certificate(a, listen, host)
		return err
	})
	until(t, "a new certificate is served", func() (err error) {
		if second, err = certificate(a, listen, host); err == nil && second.Equal(first) {
			err = fmt.Errorf("still %s, until %s", first.SerialNumber, first.NotAfter)
		}
		return err
	})
	if !second.NotAfter.After(first.NotAfter) {
		t.Errorf("until %s, and then until %s", first.NotAfter, second.NotAfter)
	}
	kept, err := os.ReadFile(filepath.Join(data, "acme", host))
	if err != nil || len(kept) == 0 {
		t.Errorf("kept: %v", err)
	}
}

// Without the authority the server serves, and says what is wrong.
func TestAnAuthorityThatIsGone(t *testing.T) {
	listen := free(t)
	a := newAuthority(t, listen, time.Hour)
	config := writeConfig(t, a, listen, t.TempDir())
	a.stop()
	server := serve(t, config)
	until(t, "the log says so", func() error {
		if !strings.Contains(server.String(), "no certificate by ACME") {
			return fmt.Errorf("it says %q", server)
		}
		return nil
	})
	server.stop()
	if !strings.Contains(server.String(), "stopping") {
		t.Errorf("it did not stop in order")
	}
}
