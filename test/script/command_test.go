package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type issuerKey struct{}

// status N PROGRAM ARGS… runs a program that must end with the exit status N.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var ended *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// await PATTERN PROGRAM ARGS… runs a program until it succeeds and prints what a pattern matches.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await pattern program [args...]")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	timeout := time.After(awaitWithin)
	for {
		if err := ts.Exec(args[1], args[2:]...); err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-timeout:
			ts.Fatalf("%s did not print %s", strings.Join(args[1:], " "), pattern)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

const awaitWithin = time.Minute

var exported = regexp.MustCompile(`^export ([A-Z_]+)='([^']*)'$`)

// dotenv FILE takes over what a shell would by sourcing the file.
func dotenv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: dotenv file")
	}
	for _, line := range strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n") {
		found := exported.FindStringSubmatch(line)
		if found == nil {
			ts.Fatalf("%s has a line that sets no variable: %s", args[0], line)
		}
		ts.Setenv(found[1], found[2])
	}
}

// json FILE PATH VALUE compares a value in a JSON document, such as .items.0.name, with a text. json FILE PATH -> VAR keeps
// it in a variable, and json FILE only demands that the file is one JSON document.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 3 && (len(args) != 4 || args[2] != "->") {
		ts.Fatalf("usage: json file [path value | path -> VAR]")
	}
	var document any
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil || decoder.More() {
		ts.Fatalf("%s is not one JSON document: %v", args[0], err)
	}
	if len(args) == 1 {
		return
	}
	found, err := at(document, args[1])
	ts.Check(err)
	switch {
	case len(args) == 4:
		ts.Setenv(args[3], found)
	case found != args[2]:
		ts.Fatalf("%s of %s is %q, not %q", args[1], args[0], found, args[2])
	}
}

// at returns the value at a path: a text as it is, everything else as JSON. A step into a list is a position, or
// member=text for the first object that has it.
func at(value any, path string) (string, error) {
	for _, step := range strings.Split(strings.TrimPrefix(path, "."), ".") {
		var ok bool
		switch v := value.(type) {
		case map[string]any:
			value, ok = v[step]
		case []any:
			value, ok = element(v, step)
		}
		if !ok {
			return "", fmt.Errorf("%s: there is no %s in %v", path, step, value)
		}
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return strings.TrimSpace(b.String()), err
}

func element(list []any, step string) (any, bool) {
	name, text, named := strings.Cut(step, "=")
	for i, value := range list {
		object, _ := value.(map[string]any)
		if !named && strconv.Itoa(i) == step || named && object[name] == text {
			return value, true
		}
	}
	return nil, false
}

// mode PERM FILE demands a file's permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode perm file")
	}
	state, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", state.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

// mint FILE CLAIM=VALUE… has the issuer that is not nsc write a token, with its line end, to a file. A value is JSON
// where it is JSON, and a text otherwise; nothing leaves the claim out; +5m and -5m are times from now.
func mint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: mint file [claim=value...]")
	}
	claims := map[string]any{}
	for _, arg := range args[1:] {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			ts.Fatalf("%q is not claim=value", arg)
		}
		claims[name] = claim(text)
	}
	token, err := ts.Value(issuerKey{}).(*issuer).token(claims)
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, []byte(token+"\n"), 0o600))
}

func claim(text string) any {
	if text == "" {
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil && (text[0] == '+' || text[0] == '-') {
		return time.Now().Add(d).Unix()
	}
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	return text
}
