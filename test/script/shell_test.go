package script

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const pageWithin = 5 * time.Minute // far more than the commands of a page take

var program struct {
	once sync.Once
	path string
	err  error
}

// built returns the program as `make build` builds it.
func built(t *testing.T) string {
	t.Helper()
	program.once.Do(func() {
		var dir string
		if dir, program.err = os.MkdirTemp("", "nsc-pages-"); program.err != nil {
			return
		}
		program.path = filepath.Join(dir, "nsc")
		cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", program.path, "./cmd/nsc")
		cmd.Dir, cmd.Env = repository, append(os.Environ(), "CGO_ENABLED=0")
		if output, err := cmd.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("build nsc: %w\n%s", err, output)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// A reader is somebody who follows a page: a folder with bin/nsc in it, a home, and a shell.
type reader struct {
	dir  string
	home string
}

func newReader(t *testing.T) reader {
	t.Helper()
	r := reader{t.TempDir(), t.TempDir()}
	if err := os.Mkdir(filepath.Join(r.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(built(t), filepath.Join(r.dir, "bin", "nsc")); err != nil {
		t.Fatal(err)
	}
	return r
}

// env is all that the reader's shell has. A workload file of this machine's is none of his.
func (r reader) env() []string {
	return []string{"HOME=" + r.home, "PATH=" + searchPath, "NSC_METADATA_DIR=" + filepath.Join(r.home, "metadata")}
}

// runs a server of the folder's program until the test ends, and returns what it said by the time that it served.
func (r reader) runs(t *testing.T, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(r.dir, "bin", "nsc"), arguments...)
	cmd.Dir, cmd.Env = r.dir, r.env()
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(syscall.SIGTERM); err != nil {
			t.Errorf("nsc %s: %v\n%s", strings.Join(arguments, " "), err, p.talk)
		}
	})
	if _, err := p.says("Ctrl-C"); err != nil {
		t.Fatal(err)
	}
	return p.talk.String()
}

// follow runs the sh blocks of a page in one shell, and compares what each prints with what the page says.
func (r reader) follow(t *testing.T, p page) {
	t.Helper()
	var script strings.Builder
	blocks := p.of("sh")
	for i, b := range blocks {
		fmt.Fprintf(&script, "exec >%s 2>&1\n%s\n", r.output(i), b.text)
	}
	err := r.shell(script.String())
	for i, b := range blocks {
		printed, missing := os.ReadFile(r.output(i))
		last := i == len(blocks)-1
		if _, next := os.Stat(r.output(i + 1)); err != nil && (last || next != nil) {
			t.Fatalf("%s:%d: %v\n%s\nprinted:\n%s", p.name, b.line, err, b.text, printed)
		}
		switch {
		case missing != nil:
			t.Fatal(missing)
		case b.output != "" && !prints(b.output, string(printed)):
			t.Errorf("%s:%d: the page says that\n%s\nprints:\n%s\nit prints:\n%s", p.name, b.line, b.text, b.output, printed)
		}
	}
}

func (r reader) output(i int) string { return filepath.Join(r.home, fmt.Sprintf("output-%03d", i)) }

// shell runs a script in a process group of its own, nothing of which is left behind.
func (r reader) shell(script string) error {
	ctx, cancel := context.WithTimeout(context.Background(), pageWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = r.dir, r.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the page left running
	return cmd.Wait()
}

var loopback = regexp.MustCompile(`127\.0\.0\.1:[1-9]\d*`)

// onFreePorts returns a page with every address on loopback replaced by a free one, and the replacements.
func onFreePorts(t *testing.T, p page) (page, map[string]string) {
	t.Helper()
	free := map[string]string{}
	var pairs []string
	for _, b := range p.blocks {
		for _, address := range loopback.FindAllString(b.text+b.output, -1) {
			if free[address] == "" {
				free[address] = freeAddress(t)
				pairs = append(pairs, address, free[address])
			}
		}
	}
	return p.replace(strings.NewReplacer(pairs...)), free
}

// freeAddress returns an address on loopback that nobody listens on. Its port is below those that the system gives away by
// itself (ip(7), ip_local_port_range), so that no connection of another test has it by the time that the page listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	const first, last = 20000, 32767
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first+1)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
}

// require skips a test for which a program is missing, or fails it where everything has to be there.
func require(t *testing.T, programs ...string) {
	t.Helper()
	missing := slices.DeleteFunc(programs, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
	switch {
	case len(missing) == 0:
	case os.Getenv("CI") != "":
		t.Fatalf("install %s", strings.Join(missing, " "))
	default:
		t.Skipf("install %s to run this test", strings.Join(missing, " "))
	}
}
