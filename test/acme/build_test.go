package acme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	repository = "../.." // the folder of the module that is tested
	pebble     = "github.com/letsencrypt/pebble/v2/cmd/pebble"
	nameserver = "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"
)

// programs is the folder that the programs are built into.
var programs string

// missing says why there is no Pebble; "" where there is.
var missing string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "nsc-acme-"); err != nil {
		panic(err)
	}
	for _, path := range []string{pebble, nameserver} {
		if err := build(".", path); err != nil {
			missing = "Pebble cannot be had: " + err.Error()
		}
	}
	err = build(repository, "./cmd/nsc")
	status := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		status = m.Run()
	}
	os.RemoveAll(programs)
	os.Exit(status)
}

func build(dir, path string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", program(filepath.Base(path)), path)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", path, err, output)
	}
	return nil
}

func program(name string) string { return filepath.Join(programs, name) }

// needPebble skips the test where there is no Pebble, or fails it in continuous integration.
func needPebble(t *testing.T) {
	t.Helper()
	if missing == "" {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}
