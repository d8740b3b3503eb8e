package redaction_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/opaque"
	"github.com/nsc-federation/nsc/internal/redaction"
)

const jws = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"

func TestSecurityWhatLooksLikeATokenIsTakenOut(t *testing.T) {
	token, _ := opaque.New(opaque.Revocable)
	access, _ := opaque.New(opaque.Access)
	for rule, row := range map[string]struct{ text, want string }{
		"nothing":                      {`trust "agolopjwaadyxgvd2c2vcu4hie"`, `trust "agolopjwaadyxgvd2c2vcu4hie"`},
		"a revocable token":            {`trust "` + token + `"`, `trust "nsrt_[redacted]"`},
		"an access token":              {access, "nsct_[redacted]"},
		"a refresh token":              {"nsrf_" + token[5:], "nsrf_[redacted]"},
		"two":                          {token + " and " + access, "nsrt_[redacted] and nsct_[redacted]"},
		"glued":                        {"x" + token + "*", "xnsrt_[redacted]*"},
		"cut short":                    {"..." + token[:20], "...nsrt_[redacted]"},
		"in capitals but for its kind": {"nsrt_" + strings.ToUpper(token[5:]), "nsrt_[redacted]"},
		"in a URL":                     {"/x/nsrt%5F" + token[5:] + "/y", "/x/nsrt_[redacted]/y"},
		"what the kinds are called":    {"begins with nsrt_ or nsct_", "begins with nsrt_ or nsct_"},
		"a JWS":                        {"token=" + jws + "&x", "token=eyJ[redacted]&x"},
		"a JWS that is cut short":      {jws[:len(jws)-40] + "…", "eyJ[redacted]…"},
		"a JWE":                        {jws + ".a.b", "eyJ[redacted]"},
		"a word":                       {"eyJust", "eyJust"},
	} {
		if got := redaction.Text(row.text); got != row.want {
			t.Errorf("%s: %q", rule, got)
		}
	}
}

type resolved struct{ text string }

func (r resolved) LogValue() slog.Value { return slog.StringValue(r.text) }

// The row "secrets in logs" of security.md: however a token is handed to the log, it is not in what is written.
func TestSecuritySecretsStayOutOfTheLog(t *testing.T) {
	token, _ := opaque.New(opaque.Revocable)
	for rule, log := range map[string]func(*slog.Logger){
		"message":           func(l *slog.Logger) { l.Info("refused " + token) },
		"text":              func(l *slog.Logger) { l.Info("x", "cause", token) },
		"error":             func(l *slog.Logger) { l.Info("x", "error", fmt.Errorf("outer: %w", errors.New(token))) },
		"bytes":             func(l *slog.Logger) { l.Info("x", "body", []byte(token)) },
		"list":              func(l *slog.Logger) { l.Info("x", "list", []string{"a", token}) },
		"structure":         func(l *slog.Logger) { l.Info("x", "value", struct{ Name string }{token}) },
		"structure, behind": func(l *slog.Logger) { l.Info("x", "value", &struct{ Name string }{token}) },
		"group":             func(l *slog.Logger) { l.Info("x", slog.Group("g", slog.Group("h", "a", token))) },
		"value in the wait": func(l *slog.Logger) { l.Info("x", "value", resolved{token}) },
		"with":              func(l *slog.Logger) { l.With("a", token).WithGroup("g").Info("x") },
		"within a group":    func(l *slog.Logger) { l.WithGroup("g").Info("x", "a", token) },
		"the log of net/http": func(l *slog.Logger) {
			slog.NewLogLogger(l.Handler(), slog.LevelWarn).Print("http: panic serving " + token)
		},
	} {
		var b bytes.Buffer
		log(slog.New(redaction.NewHandler(slog.NewTextHandler(&b, nil))))
		if strings.Contains(b.String(), token[5:]) || !strings.Contains(b.String(), "nsrt_[redacted]") {
			t.Errorf("%s: %s", rule, &b)
		}
	}
}

func TestTheRestOfARecordStays(t *testing.T) {
	plain := func(l *slog.Logger) {
		l.With("a", 1).WithGroup("g").Warn("said", "n", 2, "ok", true, "err", errors.New("no"), "list", []string{"a", "b"},
			"address", netip.MustParseAddr("::1"), "nothing", nil, slog.Group("h", "x", "y z"))
		l.Debug("not enabled")
	}
	write := func(wrap func(slog.Handler) slog.Handler) string {
		var b bytes.Buffer
		drop := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
		plain(slog.New(wrap(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: drop}))))
		return b.String()
	}
	want, got := write(func(h slog.Handler) slog.Handler { return h }), write(redaction.NewHandler)
	if got != want {
		t.Errorf("%s\nis not\n%s", got, want)
	}
}

func BenchmarkText(b *testing.B) {
	text := strings.Repeat("the answer of a server that has no tokens in it; ", 6)
	b.ReportAllocs()
	for b.Loop() {
		redaction.Text(text)
	}
}
