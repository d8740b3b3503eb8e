package cli

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
)

// Whatever a failure quotes, it is one line, and moves nobody's cursor.
func TestAFailureIsOneLineOfText(t *testing.T) {
	l := newLab(t)
	r := l.fails(failure.Misused, `a\u001b[2J b`, "config", "check", "--config", "a\x1b[2J\nb")
	if strings.Contains(r.talk, "\x1b") {
		t.Errorf("%q", r.talk)
	}
}
