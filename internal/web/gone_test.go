package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/metrics"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// failing are workspaces that cannot be read.
type failing struct {
	Workspaces
	err error
}

func (f failing) ByName(context.Context, string) (*workspace.Snapshot, error) { return nil, f.err }
func (f failing) Remembers(string) bool                                       { return true }

// A client that goes away is no failure of the server's: nothing is on the log for an operator to look into.
func TestClientsThatGoAway(t *testing.T) {
	canceled, hurried := fmt.Errorf("store: workspace: %w", context.Canceled), fmt.Errorf("store: workspace: %w", context.DeadlineExceeded)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, end := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer end()
	for rule, c := range map[string]struct {
		ctx    context.Context
		err    error
		level  string
		status int
	}{
		"went away":                         {gone, canceled, "DEBUG", 503},
		"went away, as the database has it": {gone, fault.New(fault.Unavailable, canceled), "DEBUG", 503},
		"went away after a failure":         {gone, errors.New("store: a row that no release wrote"), "ERROR", 500},
		"is there, and something was ended": {t.Context(), canceled, "ERROR", 500},
		"is there, and it took too long":    {late, hurried, "ERROR", 500},
	} {
		for _, route := range []string{"/api/v1/workspaces/acme", "/w/acme/.well-known/openid-configuration"} {
			var log bytes.Buffer
			h := New(Config{
				BaseURL: "https://nsc.example", Workspaces: failing{err: c.err}, Metrics: metrics.New(time.Now),
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequestWithContext(c.ctx, "GET", "https://nsc.example"+route, nil))
			if answer.Code != c.status || strings.Count(log.String(), "level=") != 1 || !strings.Contains(log.String(), "level="+c.level) {
				t.Errorf("%s: GET %s: %d, %s", rule, route, answer.Code, &log)
			}
		}
	}
}
