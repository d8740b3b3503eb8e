package clouds

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A command is what a block of a guide runs of a cloud's command line: the program and its arguments.
type command []string

// recorder stands in for a cloud's command line. It writes down its arguments, each with a NUL after it, and a NUL after
// the last. As vault does, it reads the value of name=- from standard input and that of name=@file from the file.
const recorder = `#!/bin/sh
{
	printf '%s\0' "${0##*/}"
	for argument; do
		case $argument in
		*=-) printf '%s' "${argument%-}" && cat ;;
		*=@*) printf '%s' "${argument%%@*}" && cat "${argument#*=@}" ;;
		*) printf '%s' "$argument" ;;
		esac
		printf '\0'
	done
	printf '\0'
} >>"$RECORD"
`

// perform runs a block of the guide in a shell, in his folder, and returns the commands for the cloud in it.
func (r *reader) perform(t *testing.T, cli commandLine, block string) []command {
	t.Helper()
	r.makeFolder(t, "recorders")
	for _, name := range []string{"aws", "gcloud", "az", "vault"} {
		r.write(t, filepath.Join("recorders", name), recorder, 0o700)
	}
	record := filepath.Join(t.TempDir(), "record")
	path := strings.Join([]string{filepath.Join(r.dir, "recorders"), filepath.Join(r.dir, "bin"), filepath.Dir(cli.path), os.Getenv("PATH")}, ":")
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", r.block(t, block))
	cmd.Dir, cmd.Env = r.dir, cli.with("PATH="+path, "RECORD="+record).env
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s, block %s: %v\n%s", r.guide, block, err, output)
	}
	written, err := os.ReadFile(record)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return commands(written)
}

func commands(written []byte) []command {
	var all []command
	for _, one := range bytes.Split(bytes.TrimSuffix(written, []byte("\x00\x00")), []byte("\x00\x00")) {
		if len(one) > 0 {
			all = append(all, strings.Split(string(one), "\x00"))
		}
	}
	return all
}

// is reports whether the command begins with these words.
func (c command) is(words ...string) bool {
	return len(c) >= len(words) && strings.Join(c[:len(words)], " ") == strings.Join(words, " ")
}

// flag returns the value of --name.
func (c command) flag(name string) string {
	for i, argument := range c {
		if value, ok := strings.CutPrefix(argument, "--"+name+"="); ok {
			return value
		}
		if argument == "--"+name && i+1 < len(c) {
			return c[i+1]
		}
	}
	return ""
}

// mustFind returns the only command that begins with these words.
func mustFind(t *testing.T, all []command, words ...string) command {
	t.Helper()
	var found []command
	for _, c := range all {
		if c.is(words...) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d commands begin with %q", len(found), words)
	}
	return found[0]
}
