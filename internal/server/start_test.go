package server

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/failure"
)

// fails runs a server that must not start, and returns why it did not.
func fails(t *testing.T, c Config) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := Run(ctx, c, io.Discard, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("the server started")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	return err.Error()
}

func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
}

func serverConfig(t *testing.T) Config {
	c := Default()
	c.Listen, c.DataDir = "127.0.0.1:0", t.TempDir()
	c.BaseURL = "https://nsc.example.com"
	return c
}

func TestASecondServerOnOneFolder(t *testing.T) {
	c := serverConfig(t)
	start(t, c)
	says(t, fails(t, c), "locked by another nsc server")
	says(t, failure.From(Run(t.Context(), c, io.Discard, discard)).Todo, "--data-dir")
}

func TestAnotherBaseURL(t *testing.T) {
	c := serverConfig(t)
	if err := start(t, c).stop(); err != nil {
		t.Fatal(err)
	}
	c.BaseURL = "https://other.example.com"
	says(t, fails(t, c), "https://nsc.example.com", "https://other.example.com", "--base-url")
}

func TestRule30MasterKey(t *testing.T) {
	c := serverConfig(t)
	if err := start(t, c).stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.DataDir, "master.key")
	right, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	says(t, fails(t, c), "master key file", "missing")
	if _, err := os.Stat(file); err == nil {
		t.Error("a master key was generated for a database with sealed data")
	}
	if err := os.WriteFile(file, bytes.Replace(right, right[20:24], []byte("AAAA"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, fails(t, c), "not the one of this database")
	if err := os.WriteFile(file, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	says(t, fails(t, c), "read by others", "chmod 600")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, c)
}

func TestRule30Reseal(t *testing.T) {
	c := serverConfig(t)
	s := start(t, c)
	moved := filepath.Join(t.TempDir(), "new.key")
	err := Reseal(t.Context(), c, moved)
	if err == nil {
		t.Fatal("sealed anew under a running server")
	}
	says(t, err.Error(), "locked")
	jwks := get(t, s.url, "/w/system/jwks")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := Reseal(t.Context(), c, moved); err != nil {
		t.Fatal(err)
	}
	says(t, fails(t, c), "not the one of this database")
	c.MasterKeyFile = moved
	if again := get(t, start(t, c).url, "/w/system/jwks"); again != jwks {
		t.Errorf("other keys than before:\n%s\n%s", jwks, again)
	}
}

// Rule 30: a node that was not seen when the keys were sealed anew is not ready, for it signs nothing.
func TestRule30ANodeWithTheOldMasterKeyIsNotReady(t *testing.T) {
	c := serverConfig(t)
	s := start(t, c)
	if ready := s.readiness(t); ready != http.StatusOK {
		t.Fatalf("at first: %d", ready)
	}
	db, err := openStore(t.Context(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := reseal(t.Context(), db, c, filepath.Join(t.TempDir(), "new.key")); err != nil {
		t.Fatal(err)
	}
	s.becomes(t, http.StatusServiceUnavailable)
	says(t, s.logs.String(), "sealed with another master key")
}

// get asks the server at the address that it listens on; in tests with a base URL of their own that is not the base URL.
func get(t *testing.T, url, path string) string {
	t.Helper()
	response, err := http.Get(url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRule36DevAndServerKeepApart(t *testing.T) {
	dev := devConfig(t)
	if err := start(t, dev).stop(); err != nil {
		t.Fatal(err)
	}
	c := serverConfig(t)
	c.DataDir = dev.DataDir
	says(t, fails(t, c), "made by nsc dev", "nsc server refuses it")
	dev.Listen = "0.0.0.0:0"
	says(t, dev.Check().Error(), "loopback")

	s := start(t, devConfig(t))
	req, err := http.NewRequest("GET", s.url+"/w/dev/jwks", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "attacker.example.com"
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("Host of another: %d", response.StatusCode)
	}
}

func TestRule37Bootstrap(t *testing.T) {
	c := serverConfig(t)
	s := start(t, c)
	first, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err != nil || !first.Created || first.Workspace != "system" {
		t.Fatalf("running: %+v, %v", first, err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	second, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err != nil || second.Created || second.BearerToken == first.BearerToken {
		t.Fatalf("stopped: %+v, %v", second, err)
	}
	s = start(t, c)
	for _, token := range []string{first.BearerToken, second.BearerToken} {
		if status, answer := s.api(t, "GET", "/system/whoami", token, nil); status != http.StatusOK {
			t.Errorf("%d %v", status, answer)
		}
	}
}

func TestRule37SocketInADeepFolder(t *testing.T) {
	c := serverConfig(t)
	c.DataDir = filepath.Join(c.DataDir, strings.Repeat("deep/", 30))
	start(t, c)
	if _, err := Bootstrap(t.Context(), c, BootstrapRequest{}); err != nil {
		t.Error(err)
	}
}

// A port that is not chosen yet must not become a part of every issuer, for ever.
func TestBootstrapNeedsToKnowTheBaseURL(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL = ""
	_, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err == nil {
		t.Fatal("an installation with any port in its base URL")
	}
	says(t, err.Error(), "base_url", c.Listen, "start the server first")
	if left, err := os.ReadDir(c.DataDir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	c.BaseURL = "http://127.0.0.1:8740"
	if made, err := Bootstrap(t.Context(), c, BootstrapRequest{}); err != nil || made.Issuer != "http://127.0.0.1:8740/w/system" {
		t.Errorf("%v, %v", made.Issuer, err)
	}
}

// A server that cannot listen has changed nothing: neither a folder nor a database is claimed by an address that is taken.
func TestListenTwice(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for key, set := range map[string]func(*Config){
		"listen":         func(c *Config) { c.Listen = l.Addr().String() },
		"metrics_listen": func(c *Config) { c.MetricsListen = l.Addr().String() },
	} {
		c := serverConfig(t)
		c.DataDir = filepath.Join(c.DataDir, "data")
		set(&c)
		says(t, fails(t, c), key+": ", "address already in use")
		if _, err := os.Stat(c.DataDir); !os.IsNotExist(err) {
			t.Errorf("%s: the data folder was made: %v", key, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"all", "listen: 127.0.0.1:1\nbase_url: https://x.example\nreachable_issuers: [{workspace: a, cidr: 10.0.0.0/8, port: 443}]\nkey_rotate_every: 240h\n", ""},
		{"unknown key", "lisen: x", "unknown key lisen; did you mean listen?"},
		{"unknown key below", "reachable_issuers: [{workspace: a, cdir: 10.0.0.0/8}]", "unknown key reachable_issuers[0].cdir; did you mean cidr?"},
		{"type", "listen: [1]", "listen"},
		{"not YAML", "a: b: c", ""},
		{"listen", "listen: nowhere", "not an address and port"},
		{"all addresses", "listen: :8740", "base_url: cannot be derived"},
		{"listen on any port", "listen: 127.0.0.1:0", ""},
		{"listen on no port", "listen: '127.0.0.1:'", "not an address and port"},
		{"listen on a named port", "listen: 127.0.0.1:http", "not an address and port"},
		{"listen on a port that is spelt otherwise", "listen: 127.0.0.1:08740", "not an address and port"},
		{"base URL on any port", "base_url: http://127.0.0.1:0", "nobody can reach"},
		{"base URL on an empty port", "base_url: 'https://x.example:'", "nobody can reach"},
		{"base URL on port 00", "base_url: 'https://x.example:00'", "nobody can reach"},
		{"base URL on a port of too many digits", "base_url: 'https://x.example:65536'", "nobody can reach"},
		{"base URL of IPv6", "base_url: 'http://[::1]'", ""},
		{"base URL of IPv6 on a port", "base_url: 'http://[::1]:8740'", ""},
		{"base URL", "base_url: https://x.example/", "without a slash"},
		{"base URL with a path", "base_url: https://x.example/nsc", "alone"},
		{"plain HTTP", "base_url: http://nsc.example.com", "plain HTTP"},
		{"database", "database: mysql://x", "postgres://"},
		{"a key that signs before caches have it", "key_publish_ahead: 14m59s", "key_publish_ahead: 14m59s is too short"},
		{"a key that signs at once", "key_publish_ahead: 0s", "at least 15m"},
		{"a key that is published for long enough", "key_publish_ahead: 15m", ""},
		{"rotation", "key_rotate_every: 1h", "longer than"},
		{"cidr", "reachable_issuers: [{workspace: a, cidr: ten}]", "not a network"},
	} {
		path := filepath.Join(t.TempDir(), "nsc.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := LoadConfig(path, func(string) string { return "" })
		if err == nil {
			err = config.Check()
		}
		switch {
		case c.name == "not YAML":
			if err == nil {
				t.Error("not YAML: accepted")
			}
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
	env := map[string]string{"NSC_LISTEN": "127.0.0.1:9", "NSC_TLS_SELF_SIGNED": "true", "NSC_KEY_ROTATE_EVERY": "100h"}
	config, err := LoadConfig("", func(name string) string { return env[name] })
	if err != nil || config.Listen != "127.0.0.1:9" || !config.TLSSelfSigned || config.RotateEvery != 100*time.Hour {
		t.Errorf("%+v, %v", config, err)
	}
	if _, err := LoadConfig("", func(name string) string { return map[string]string{"NSC_TLS_SELF_SIGNED": "perhaps"}[name] }); err == nil {
		t.Error("a bad variable was accepted")
	}
}
