package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

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

// full is a disk without room.
type full struct{ after int }

func (f *full) Write(data []byte) (int, error) {
	if f.after -= len(data); f.after < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(data), nil
}

// Whoever does not get the data that he asked for is told so by the exit status, whatever the command.
func TestOutputThatCannotBeWrittenFails(t *testing.T) {
	for _, line := range []string{
		"version", "version -o json", "help", "auth whoami --help", "completion bash", "config check", "auth issue-id-token --audience x",
		"auth issue-id-token --audience x -o json", "auth trust-relationships presets",
	} {
		for _, room := range []int{0, 3} {
			l := newLab(t)
			l.signIn(l.file("token.json"), "prod")
			var talk bytes.Buffer
			p := newProgram(strings.NewReader(""), &full{room}, &talk, func(name string) string { return l.env[name] }, func() time.Time { return l.now })
			status := p.run(t.Context(), strings.Fields(line))
			if status != failure.Failed || !strings.Contains(talk.String(), "nsc: the output could not be written: no space left on device\n") {
				t.Errorf("nsc %s: status %d, said %q", line, status, &talk)
			}
		}
	}
}
