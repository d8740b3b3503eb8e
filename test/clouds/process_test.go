package clouds

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

// A process is a program that runs until the tests stop it, or end.
type process struct {
	said  *speech // on standard error
	stop  func()  // asks it to end, and waits until it has
	ended chan struct{}
}

// start runs a command whose context and standard error are the process's own, and waits until it has said a word.
func start(ctx context.Context, word string, env []string, path string, arguments ...string) (*process, error) {
	life, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(life, path, arguments...)
	p := &process{said: &speech{word: word, heard: make(chan struct{})}, ended: make(chan struct{})}
	p.stop = func() { cancel(); <-p.ended }
	cmd.Env, cmd.Stderr, cmd.WaitDelay = env, p.said, stopWithin
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // whatever becomes of the tests
	started := make(chan error)
	go p.live(cmd, started)
	if err := <-started; err != nil {
		cancel()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return p, p.wait(ctx)
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

func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.said.heard:
		return nil
	case <-p.ended:
		return fmt.Errorf("the process has ended:\n%s", p.said.last())
	case <-ctx.Done():
		p.stop()
		return fmt.Errorf("the process is not ready (%w):\n%s", ctx.Err(), p.said.last())
	}
}

// A speech is what a program says.
type speech struct {
	word  string
	heard chan struct{} // closed once the word was said

	mu   sync.Mutex
	text bytes.Buffer
	once sync.Once
}

func (s *speech) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if bytes.Contains(s.text.Bytes(), []byte(s.word)) {
		s.once.Do(func() { close(s.heard) })
	}
	return len(p), nil
}

// last returns the end of what was said.
func (s *speech) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.SplitAfter(s.text.String(), "\n")
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
