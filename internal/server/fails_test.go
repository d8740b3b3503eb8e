package server

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Whoever starts a server that cannot start reads in one line what is in the way, with the file or the address, and in
// another what to do about it.
func TestStartThatFailsSaysWhatToDo(t *testing.T) {
	taken := freeAddress(t)
	other := serverConfig(t)
	other.BaseURL, other.Listen = "", taken
	start(t, other)
	for name, row := range map[string]struct {
		set  func(*Config)
		what []string
		todo string
	}{
		"address in use":    {func(c *Config) { c.Listen = taken }, []string{"listen: ", taken, "address already in use"}, "another listen"},
		"metrics in use":    {func(c *Config) { c.MetricsListen = taken }, []string{"metrics_listen: ", taken}, "another metrics_listen"},
		"not our address":   {func(c *Config) { c.Listen = "192.0.2.1:8740" }, []string{"listen: ", "192.0.2.1:8740"}, "an address of this machine"},
		"folder in a file":  {func(c *Config) { c.DataDir = write(t, "x") }, []string{"data folder: ", "not a directory"}, "--data-dir"},
		"folder below one":  {func(c *Config) { c.DataDir = filepath.Join(write(t, "x"), "data") }, []string{"data folder: "}, "--data-dir"},
		"junk for database": {func(c *Config) { put(t, c.sqliteFile(), strings.Repeat("junk ", 40)) }, []string{"nsc.db: ", "file is not a database"}, "another data_dir"},
		"another program's database": {func(c *Config) { foreign(t, c.sqliteFile()) },
			[]string{"nsc.db: the file is another program's", `"customers"`}, "another data_dir"},
		"no PostgreSQL": {func(c *Config) { c.Database = "postgres://nsc:secret@127.0.0.1:1,127.0.0.1:2/nsc" },
			[]string{"database: failed to connect", "127.0.0.1:1", "127.0.0.1:2", "connection refused"}, "see that PostgreSQL runs"},
		"half an authority": {func(c *Config) { c.TLSSelfSigned = true; put(t, filepath.Join(c.DataDir, "ca.pem"), "-----BEGIN CERT") },
			[]string{"certificate authority ", "ca.pem: "}, "restore ca.pem and ca-key.pem from a backup"},
		"half a certificate": {func(c *Config) { c.TLSCertFile, c.TLSKeyFile = write(t, "-----BEGIN CERT"), write(t, "x") },
			[]string{"tls_cert_file ", "failed to find"}, "PEM files"},
	} {
		c := serverConfig(t)
		row.set(&c)
		if name == "half an authority" {
			put(t, filepath.Join(c.DataDir, "ca-key.pem"), "-----BEGIN KEY")
		}
		err := Run(t.Context(), c, &bytes.Buffer{}, discard)
		f := failure.From(err)
		says(t, f.What, row.what...)
		says(t, f.Todo, row.todo)
		if strings.Contains(f.What+f.Todo, "\n") || strings.Contains(f.What, "secret") || f.Status != failure.Failed {
			t.Errorf("%s: %q, %q, status %d", name, f.What, f.Todo, f.Status)
		}
	}
}

// Rule 37: a second server with the same command stops with the word of the lock, not with that of the address.
func TestRule37TheSameCommandTwice(t *testing.T) {
	c := serverConfig(t)
	c.BaseURL, c.Listen, c.MetricsListen = "", freeAddress(t), freeAddress(t)
	start(t, c)
	says(t, fails(t, c), "locked by another nsc server")
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, text)
	return path
}

// foreign makes a database as another program might have made it.
func foreign(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("CREATE TABLE customers (name text)")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
