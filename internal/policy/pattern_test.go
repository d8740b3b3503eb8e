package policy

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/grants"
)

func TestRule18PatternForm(t *testing.T) {
	for _, row := range []struct {
		rule, pattern           string
		warned, audienceRefused bool
		refused                 bool
	}{
		{rule: "literal", pattern: "repo:acme/api"},
		{rule: "final * after a delimiter", pattern: "repo:acme/*"},
		{rule: "final * within a segment", pattern: "repo:acme/api*", warned: true, audienceRefused: true},
		{rule: "host that goes on", pattern: "https://api.example.com*", warned: true, audienceRefused: true},
		{rule: "lone *", pattern: "*", warned: true, audienceRefused: true},
		{rule: "empty", pattern: "", refused: true},
		{rule: "two stars in a row", pattern: "repo:**", refused: true},
		{rule: "NUL", pattern: "repo:\x00", refused: true},
		{rule: "control character", pattern: "repo:a\nb", refused: true},
		{rule: "invalid UTF-8", pattern: "repo:\xff", refused: true},
		{rule: "too long", pattern: strings.Repeat("a", maxPattern+1), refused: true},
		{rule: "too many stars", pattern: strings.Repeat("a*", grants.MaxStars+1), refused: true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, warnings, err := CompileSubject(row.pattern)
			if (err != nil) != row.refused || (len(warnings) > 0) != row.warned {
				t.Errorf("as a subject: %v, %q", err, warnings)
			}
			if _, err := CompileAudience(row.pattern); (err != nil) != (row.refused || row.audienceRefused) {
				t.Errorf("as an audience: %v", err)
			}
		})
	}
}
