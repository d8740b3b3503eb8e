package acme

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopWithin is how long a program may take to end after it was asked to.
const stopWithin = 20 * time.Second

// process is a program that runs until the test stops it.
type process struct {
	stop func() // asks it to end, and waits until it has

	mu   sync.Mutex
	talk bytes.Buffer
}

// run runs a program until the test ends.
func run(t *testing.T, name string, env []string, arguments ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{}
	cmd := exec.CommandContext(ctx, program(name), arguments...)
	cmd.Stdout, cmd.Stderr = p, p
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopWithin
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait() // how it ended is in what it said
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p)
		}
	})
	return p
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.talk.Write(text)
}

func (p *process) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.talk.String()
}

// until repeats a check until it succeeds.
func until(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// free returns an address on loopback that nothing listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func port(t *testing.T, address string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", address, err))
	}
	return a.Port
}
