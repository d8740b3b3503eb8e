package script

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

type (
	serversKey struct{}
	testKey    struct{}
)

var base = regexp.MustCompile(`ready at ((https?)://(\S+))`)

// serve NAME [VAR=VALUE…] dev|server ARGS… starts a server and waits until it serves. Its base URL is $NAME_URL, and
// the address of that $NAME_ADDR. The script's own variables are not passed on: a server is not its client.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve name [VAR=value...] dev|server [args...]")
	}
	name, args := args[0], args[1:]
	env := []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "GORACE=" + ts.Getenv("GORACE")}
	if folder := os.Getenv("GOCOVERDIR"); folder != "" {
		env = append(env, "GOCOVERDIR="+folder)
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		env, args = append(env, args[0]), args[1:]
	}
	cmd := exec.Command("nsc", args...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), env
	p, err := start(cmd)
	ts.Check(err)
	servers(ts)[name] = p
	ts.Defer(func() {
		if err := end(ts, name, syscall.SIGTERM); err != nil {
			ts.Value(testKey{}).(testscript.T).Fatal(err) // Check would panic here
		}
	})
	line, err := p.says("ready at ")
	ts.Check(err)
	found := base.FindStringSubmatch(line)
	ts.Setenv(name+"_URL", found[1])
	ts.Setenv(name+"_ADDR", found[3])
}

func servers(ts *testscript.TestScript) map[string]*process {
	return ts.Value(serversKey{}).(map[string]*process)
}

// halt NAME [INT] ends a server by a signal, SIGTERM if nothing else is said. It must finish with the exit status 0, and
// leaves what it said in NAME.log.
func halt(ts *testscript.TestScript, neg bool, args []string) {
	signal := syscall.SIGTERM
	switch {
	case neg || len(args) == 0 || len(args) > 2 || len(args) == 2 && args[1] != "INT":
		ts.Fatalf("usage: halt name [INT]")
	case len(args) == 2:
		signal = syscall.SIGINT
	}
	p, ok := servers(ts)[args[0]]
	if !ok {
		ts.Fatalf("there is no server %s", args[0])
	}
	ts.Check(end(ts, args[0], signal))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".log"), []byte(p.talk.String()), 0o600))
}

// end stops a server that runs. Whatever the script was about: a server that is told to stop ends well, and its log
// holds no token.
func end(ts *testscript.TestScript, name string, signal syscall.Signal) error {
	p, ok := servers(ts)[name]
	if !ok {
		return nil
	}
	delete(servers(ts), name)
	if err := p.stop(signal); err != nil {
		return fmt.Errorf("the server %s: %w\n%s", name, err, p.talk)
	}
	if strings.Contains(p.talk.String(), "eyJ") {
		return fmt.Errorf("the log of the server %s has a token:\n%s", name, p.talk)
	}
	return nil
}
