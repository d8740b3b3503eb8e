package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

// TestEmptyArgumentsAreRefused: by every command, before the server is asked, with the argument's name.
func TestEmptyArgumentsAreRefused(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		words := strings.Fields(cmd.CommandPath())[1:]
		for _, empty := range []string{"", " ", "\n", "\t \r\n"} {
			r := l.fails(failure.Misused, cmd.CommandPath()+" was given an empty argument; it is used as: "+usage(cmd), append(slices.Clone(words), empty)...)
			if !strings.Contains(r.talk, "leave it out where it stands in brackets") {
				t.Errorf("%s", r.talk)
			}
		}
		for _, below := range cmd.Commands() {
			walk(below)
		}
	}
	walk(Commands())
	l.fails(failure.Misused, "it is used as: nsc token refresh ID", "token", "refresh", "")
	l.fails(failure.Misused, "it is used as: nsc audit verify EXPORT [OLDER-EXPORT]", "audit", "verify", "a", "")
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("called: %+v", calls)
	}
}

// A shell completes an empty word.
func TestEmptyWordsAreCompleted(t *testing.T) {
	l := newLab(t)
	if out := l.ok("__complete", "token", ""); !strings.Contains(out, "refresh") {
		t.Errorf("%s", out)
	}
}
