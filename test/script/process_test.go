package script

import (
	"bytes"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	readyWithin = 2 * time.Minute // far more than a start takes on a busy machine
	stopWithin  = 30 * time.Second
)

// A process is a program that runs beside the test and says on standard error when it serves.
type process struct {
	cmd   *exec.Cmd
	talk  *talk
	ended chan struct{} // closed when it has
	err   error         // how it ended
}

// start runs a command in the background.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, talk: newTalk(), ended: make(chan struct{})}
	cmd.Stderr = p.talk
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // whatever becomes of the test
	started := make(chan error)
	go p.live(started)
	return p, <-started
}

// live keeps the thread that starts the program until it has ended: Pdeathsig is about the thread, not about us.
func (p *process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
	close(p.ended)
}

// says waits until the program has said a whole line with a word in it, and returns the line.
func (p *process) says(word string) (string, error) {
	late := time.After(readyWithin)
	for {
		line, changed := p.talk.find(word)
		if line != "" {
			return line, nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return "", fmt.Errorf("%s has ended (%v):\n%s", p.cmd, p.err, p.talk)
		case <-late:
			return "", fmt.Errorf("%s does not say %q:\n%s", p.cmd, word, p.talk)
		}
	}
}

// stop asks the program to end by a signal, and returns how it did.
func (p *process) stop(signal syscall.Signal) error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s had ended before (%v):\n%s", p.cmd, p.err, p.talk)
	default:
	}
	_ = p.cmd.Process.Signal(signal) // it may be ending
	select {
	case <-p.ended:
		return p.err
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not stop at %s:\n%s", p.cmd, signal, p.talk)
	}
}

// A talk collects what a program says.
type talk struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed when more is said
}

func newTalk() *talk { return &talk{changed: make(chan struct{})} }

func (t *talk) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	close(t.changed)
	t.changed = make(chan struct{})
	return len(p), nil
}

func (t *talk) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// find returns the first whole line that has a word in it, "" for none, and a channel that is closed when more is said.
func (t *talk) find(word string) (string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range strings.Lines(t.text.String()) {
		if strings.HasSuffix(line, "\n") && strings.Contains(line, word) {
			return strings.TrimSpace(line), t.changed
		}
	}
	return "", t.changed
}
