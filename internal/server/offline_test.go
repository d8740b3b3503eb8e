package server

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// unsaid is a configuration in which nobody says how the server is reached.
func unsaid(c Config) Config {
	c.BaseURL, c.Listen, c.ListenGiven = "", DefaultListen, false
	return c
}

// Rule 9: what administers a stopped installation takes its base URL where none is given, on both databases.
func TestRule09BootstrapTakesTheInstallationsBaseURL(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { takesTheBaseURL(t, serverConfig(t)) })
	t.Run("postgres", func(t *testing.T) {
		c := serverConfig(t)
		c.Database = pgtest.Database(t)
		takesTheBaseURL(t, c)
	})
}

func takesTheBaseURL(t *testing.T, c Config) {
	t.Helper()
	if err := refused(Bootstrap(t.Context(), unsaid(c), BootstrapRequest{})); err != "there is no installation in "+place(c) {
		t.Errorf("a new installation at an address that nobody gave: %q", err)
	}
	first, err := Bootstrap(t.Context(), c, BootstrapRequest{})
	if err != nil || first.Issuer != "https://nsc.example.com/w/system" || first.WorkspaceID == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := Bootstrap(t.Context(), unsaid(c), BootstrapRequest{})
	if err != nil || second.Issuer != first.Issuer || second.WorkspaceID != first.WorkspaceID {
		t.Errorf("%+v, %v", second, err)
	}
	subject := SubjectRequest{Action: FindSubject, Subject: "workspace/" + first.WorkspaceID + "/user/nobody"}
	if found, err := Subject(t.Context(), unsaid(c), subject, io.Discard); err != nil || found.Workspace != "system" {
		t.Errorf("%+v, %v", found, err)
	}
	given := unsaid(c)
	given.ListenGiven = true
	if _, err := Bootstrap(t.Context(), given, BootstrapRequest{}); err == nil {
		t.Error("the listen that somebody gave was not compared")
	}
}

func place(c Config) string {
	if c.Database != "" {
		return "the database"
	}
	return c.sqliteFile()
}

func refused(_ any, err error) string {
	var f *failure.Failure
	if !errors.As(err, &f) || f.Todo == "" {
		return "no failure that says what to do"
	}
	return f.What
}

// A mistyped folder is neither made nor filled by what only administers.
func TestAMistypedFolderIsNotMade(t *testing.T) {
	ctx := t.Context()
	for name, administer := range map[string]func(context.Context, Config) (any, error){
		"bootstrap": func(ctx context.Context, c Config) (any, error) {
			return Bootstrap(ctx, unsaid(c), BootstrapRequest{})
		},
		"subject": func(ctx context.Context, c Config) (any, error) {
			return Subject(ctx, c, SubjectRequest{Action: FindSubject, Subject: "workspace/x/user/y"}, io.Discard)
		},
		"export":  func(ctx context.Context, c Config) (any, error) { return Export(ctx, c, io.Discard) },
		"restore": func(ctx context.Context, c Config) (any, error) { return Restore(ctx, c) },
		"reseal":  func(ctx context.Context, c Config) (any, error) { return nil, Reseal(ctx, c, "new.key") },
	} {
		c := serverConfig(t)
		c.DataDir = filepath.Join(c.DataDir, "mistyped")
		if said := refused(administer(ctx, c)); said != "there is no installation in "+c.sqliteFile() {
			t.Errorf("%s: %s", name, said)
		}
		if _, err := os.Stat(c.DataDir); !os.IsNotExist(err) {
			t.Errorf("%s made the folder: %v", name, err)
		}
	}
}
