package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// Whatever a person types as an ID or a name is one segment of a path to the server, which has no such thing: it is never
// sent elsewhere, and nothing above it is meant.
func TestEveryNameIsOneSegment(t *testing.T) {
	s := start(t, devConfig(t))
	c, bearer := api.New(s.url, nil, "nsc/test"), s.bearer(t)
	calls := map[string]func(ctx context.Context, name string) error{
		"trust":        func(ctx context.Context, name string) error { _, err := c.Trust(ctx, "dev", bearer, name); return err },
		"remove trust": func(ctx context.Context, name string) error { return c.RemoveTrust(ctx, "dev", bearer, name) },
		"refresh": func(ctx context.Context, name string) error {
			_, err := c.RefreshRevocable(ctx, "dev", bearer, name, "")
			return err
		},
		"revoke": func(ctx context.Context, name string) error {
			_, err := c.RevokeRevocable(ctx, "dev", bearer, name)
			return err
		},
		"lift": func(ctx context.Context, name string) error { return c.LiftCutOff(ctx, "dev", bearer, name) },
		"explain": func(ctx context.Context, name string) error {
			_, err := c.Explain(ctx, "dev", bearer, name)
			return err
		},
		"workspace": func(ctx context.Context, name string) error { _, err := c.Workspace(ctx, name); return err },
		"keys of":   func(ctx context.Context, name string) error { _, err := c.Keys(ctx, name, bearer); return err },
		"sign in to": func(ctx context.Context, name string) error {
			_, err := c.SignIn(ctx, name, api.SignInRequest{Token: bearer})
			return err
		},
	}
	names := map[string]string{
		"a dot": ".", "two dots": "..", "three dots": "...", "up and down": "../dev", "a slash": "a/b", "a slash first": "/", "two slashes": "//",
		"a question": "a?b", "a fragment": "a#b", "dots escaped": "%2e%2e", "a slash escaped": "a%2Fb", "a percent sign": "%", "a blank": " ",
		"a line": "a\nb", "a NUL": "a\x00b", "no text": "\xff\xfe", "a semicolon": "a;b", "a colon": "a:b", "a word of the API": "test",
		"long": strings.Repeat("a", 7_000), "too long": strings.Repeat("a", 100_000), "too long, escaped": strings.Repeat("/", 20_000),
	}
	for what, call := range calls {
		for rule, name := range names {
			err := call(t.Context(), name)
			f := failure.From(err)
			var refused *api.Refusal
			switch {
			case strings.HasPrefix(rule, "too long"):
				if f.Status != failure.Misused || !strings.Contains(f.What, "too long") || len(f.What) > 200 {
					t.Errorf("%s %s: status %d, %v", what, rule, f.Status, err)
				}
			case err == nil, f.Status != failure.Failed:
				t.Errorf("%s %s: status %d, %v", what, rule, f.Status, err)
			case !errors.As(err, &refused), refused.HTTPStatus != http.StatusNotFound && what != "sign in to":
				t.Errorf("%s %s: %v", what, rule, err)
			}
		}
	}
}
