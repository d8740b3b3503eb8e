package crash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// build builds the program that people run, without the race detector: it is to be killed at its own speed.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nsc")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", path, "./cmd/nsc")
	cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

// A process is a server that runs.
type process struct {
	cmd   *exec.Cmd
	log   *log
	ended chan struct{}
}

// launch starts the program in the background. It does not outlive the test.
func launch(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), log: &log{changed: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd.Env = []string{"HOME=" + t.TempDir()}
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // for as long as the program lives: Pdeathsig is about the thread
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // killed
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

// kill ends the process as a power cut would end it, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// address waits until the server is ready, and returns where it listens.
func (p *process) address() (string, error) {
	for {
		text, changed := p.log.read()
		_, rest, started := strings.Cut(text, "listening=")
		if started && strings.Contains(text, "is ready at ") {
			return strings.Fields(rest)[0], nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return "", fmt.Errorf("the server has ended:\n%s", text)
		}
	}
}

// log is what a process says.
type log struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed when more is said
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

func (l *log) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.changed
}

// complaints returns the lines that are more than information. One is documented: a node that has not heard from the
// database for a second, as may be on a machine that does too much, refuses with the code unavailable.
func (l *log) complaints() []string {
	text, _ := l.read()
	var found []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "level=INFO") && !strings.Contains(line, "code=unavailable") && !strings.HasPrefix(line, "nsc server is ready at ") {
			found = append(found, line)
		}
	}
	return found
}
