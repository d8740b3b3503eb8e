package client_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/client"
)

// content returns what a file holds, and checks that nobody else may read it.
func content(t *testing.T, path string) string {
	t.Helper()
	state, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if state.Mode() != 0o600 {
		t.Errorf("the file has mode %v", state.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestKeepFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		var log bytes.Buffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		if err := c.KeepFile(ctx, path, audience); err != nil {
			t.Fatal(err)
		}
		first := content(t, path)
		if first != idToken(t, c, nil).Secret() || strings.ContainsAny(first, "\n ") {
			t.Errorf("the file holds %q", first)
		}
		for range 12 {
			time.Sleep(s.life)
			synctest.Wait()
			if content(t, path) != idToken(t, c, nil).Secret() {
				t.Error("the file does not hold the present token")
			}
		}
		if n := len(s.asked()); n < 16 || n > 19 { // an hour, renewed after two thirds to three quarters of five minutes
			t.Errorf("%d tokens in an hour", n)
		}
		if log.Len() > 0 {
			t.Errorf("all is well, and the log says %s", &log)
		}

		s.fail(errRefused)
		time.Sleep(time.Hour)
		s.fail(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if content(t, path) != idToken(t, c, nil).Secret() {
			t.Error("the file did not recover with the server")
		}
		if text := log.String(); !strings.Contains(text, "not renewed") || strings.Contains(text, first) {
			t.Errorf("the log says %s", text)
		}

		cancel()
		synctest.Wait()
		before := len(s.asked())
		time.Sleep(time.Hour)
		s.wantRequests(t, before)
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("left behind: %v", entries)
		}
	})
}

// TestKeepFileRestoresTheFile: what reads it should not wait for the next renewal, which may be an hour away.
func TestKeepFileRestoresTheFile(t *testing.T) {
	path, elsewhere := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "token")
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := c.KeepFile(ctx, path, audience); err != nil {
			t.Fatal(err)
		}
		token := content(t, path)
		if err := os.WriteFile(elsewhere, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func() error{
			"removed":             func() error { return os.Remove(path) },
			"emptied":             func() error { return os.Truncate(path, 0) },
			"changed":             func() error { return os.WriteFile(path, []byte(strings.Repeat("x", len(token))), 0o600) },
			"a link to another's": func() error { return errors.Join(os.Remove(path), os.Symlink(elsewhere, path)) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if state, err := os.Lstat(path); err != nil || !state.Mode().IsRegular() || content(t, path) != token {
				t.Fatalf("%s: %v", name, err)
			}
		}
		s.wantRequests(t, 1)
	})
}

// TestKeepFileOfATokenThatLivesShortly: one refused renewal is made good before the token has ended.
func TestKeepFileOfATokenThatLivesShortly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		s.life = 3 * time.Second
		s.answer = func(w http.ResponseWriter, n int) bool {
			if n%2 == 0 {
				w.WriteHeader(http.StatusForbidden)
			}
			return n%2 == 0
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := c.KeepFile(ctx, path, audience); err != nil {
			t.Fatal(err)
		}
		last, since := content(t, path), time.Now()
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if present := content(t, path); present != last {
				last, since = present, time.Now()
			}
			if age := time.Since(since); age >= s.life {
				t.Fatalf("a token of %v has been in the file for %v", s.life, age)
			}
		}
		if n := len(s.asked()); n > 2*60 { // renewed every second at the most, and refused as often
			t.Errorf("%d requests in a minute", n)
		}
	})
}

// TestKeepFileBeginsWithWhatServes: the server is down while the token that is kept is in the last third of its life. The
// file has that one, is not written again without need, and has a new one once the server is back.
func TestKeepFileBeginsWithWhatServes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		present := idToken(t, c, nil)
		time.Sleep(s.life * 3 / 4)
		s.fail(errRefused)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if err := c.KeepFile(ctx, path, audience); err != nil || content(t, path) != present.Secret() {
			t.Fatalf("the file holds %q, %v", content(t, path), err)
		}
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(s.life / 10)
		after, err := os.Stat(path)
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("the same token was written again, %v", err)
		}
		s.fail(nil)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if content(t, path) == present.Secret() {
			t.Error("the file was not renewed")
		}
	})
}

func TestKeepFileThatCannotBegin(t *testing.T) {
	dir := t.TempDir()
	timed(t, func(t *testing.T, s *fake, c *client.Client) {
		if err := c.KeepFile(t.Context(), filepath.Join(dir, "none", "token"), audience); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no folder: %v", err)
		}
		s.answer = func(w http.ResponseWriter, _ int) bool { w.WriteHeader(http.StatusForbidden); return true }
		err := c.KeepFile(t.Context(), filepath.Join(dir, "token"), audience+"/2")
		var refused *client.RefusedError
		if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
			t.Errorf("no token: %v", err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Errorf("left behind: %v", entries)
		}
	})
}
