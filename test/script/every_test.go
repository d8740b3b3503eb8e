package script

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli"
)

// each calls test with the words of every command that does something.
func each(group *cobra.Command, words []string, test func(words []string)) {
	for _, c := range group.Commands() {
		below := append(append([]string{}, words...), c.Name())
		if c.HasSubCommands() {
			each(c, below, test)
			continue
		}
		test(below)
	}
}

// run calls nsc for somebody who has nothing, and returns the exit status and both streams.
func run(t *testing.T, words ...string) (status int, stdout, stderr string) {
	t.Helper()
	home := t.TempDir()
	var out, talk bytes.Buffer
	status = cli.Main(words, strings.NewReader(""), &out, &talk, []string{"HOME=" + home, "NSC_METADATA_DIR=" + home})
	return status, out.String(), talk.String()
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	each(cli.Commands(), nil, func(words []string) {
		if words[0] == "help" {
			return
		}
		status, stdout, stderr := run(t, append(words, "--help")...)
		if status != 0 || stderr != "" || !strings.Contains(stdout, "\nExamples:\n  ") {
			t.Errorf("nsc %s --help: status %d\n%s%s", strings.Join(words, " "), status, stdout, stderr)
		}
	})
}

// An unknown format is an error before anything is done: nobody is signed in here, and no command gets as far as that.
func TestEveryCommandRefusesUnknownFormats(t *testing.T) {
	found := 0
	each(cli.Commands(), nil, func(words []string) {
		if found++; words[0] == "help" {
			return
		}
		words = append(words, "-o", "yaml")
		status, stdout, stderr := run(t, words...)
		if strings.Contains(stderr, "takes an argument and none is given") {
			status, stdout, stderr = run(t, append(words, "x")...)
		}
		if status != 2 || stdout != "" || !strings.Contains(stderr, `there is no output format "yaml"`) {
			t.Errorf("nsc %s: status %d\n%s%s", strings.Join(words, " "), status, stdout, stderr)
		}
	})
	if found < 20 {
		t.Errorf("only %d commands were found", found)
	}
}
