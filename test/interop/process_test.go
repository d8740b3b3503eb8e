package interop

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopWithin is how long a program may take to end after it was asked to.
const stopWithin = 20 * time.Second

// A process is a program that runs until the tests stop it.
type process struct {
	talk  *talk         // what it says on standard error
	stop  func()        // asks it to end, and waits until it has
	ended chan struct{} // closed when it has
}

// start runs a command. Its context and standard error are the process's own.
func start(path string, arguments []string, prepare func(*exec.Cmd) error) (*process, error) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, arguments...)
	p := &process{talk: newTalk(), ended: make(chan struct{})}
	p.stop = func() { cancel(); <-p.ended }
	cmd.Stderr = p.talk
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // whatever becomes of the tests
	if err := prepare(cmd); err != nil {
		cancel()
		return nil, err
	}
	started := make(chan error)
	go p.live(cmd, started)
	if err := <-started; err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return p, nil
}

// live keeps the thread that starts the program until it has ended: Pdeathsig is about the thread, not about us.
func (p *process) live(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer close(p.ended)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ended is in what it said
	}
}

// A talk collects what a program says, and tells when a word was said.
type talk struct {
	mu      sync.Mutex
	text    bytes.Buffer
	waiting map[string]chan struct{}
}

func newTalk() *talk { return &talk{waiting: map[string]chan struct{}{}} }

func (t *talk) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	for word, said := range t.waiting {
		if strings.Contains(t.text.String(), word) {
			close(said)
			delete(t.waiting, word)
		}
	}
	return len(p), nil
}

// says returns a channel that is closed once the word was said. It is asked for before the program starts.
func (t *talk) says(word string) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	said := make(chan struct{})
	t.waiting[word] = said
	return said
}

// last returns the end of what was said.
func (t *talk) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.SplitAfter(t.text.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "")
}

// waitFor repeats a check until it succeeds or the context ends.
func waitFor(ctx context.Context, check func() error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-tick.C:
		}
	}
}
