package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a server that the tests started. It leads a process group, and the kernel kills it if the tests die
// without stopping it.
type process struct {
	name string
	log  string // path of its output
	pid  int
	done chan struct{} // closed when it has ended
}

// start runs a server whose output goes to dir/name.log.
func start(dir, name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := startOnLastingThread(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.pid = cmd.Process.Pid
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Pdeathsig fires when the thread that started the child ends, not the program, so one thread that never ends starts
// them all.
func startOnLastingThread(cmd *exec.Cmd) error {
	failed := make(chan error)
	lastingThread() <- func() { failed <- cmd.Start() }
	return <-failed
}

var lastingThread = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

// stop asks the group to end, and makes it.
func (p *process) stop() {
	syscall.Kill(-p.pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
	}
	syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
}

// waitUntil repeats check until it succeeds, the process ends or ctx does. The error quotes the process's last words.
func (p *process) waitUntil(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-p.done:
			cancel(errors.New("the process has ended"))
		case <-ctx.Done():
		}
	}()
	if err := waitFor(ctx, check); err != nil {
		return fmt.Errorf("%s: %w; its output ends with:\n%s", p.name, err, p.lastOutput())
	}
	return nil
}

func (p *process) lastOutput() []byte {
	output, _ := os.ReadFile(p.log)
	lines := bytes.SplitAfter(output, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-30):], nil)
}

// waitFor repeats check until it succeeds or ctx ends.
func waitFor(ctx context.Context, check func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// patience is how long a test waits for what takes a moment; nothing that works comes near it.
const patience = time.Minute

// patiently ends with the test, or with its patience.
func patiently(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// freePorts finds n different loopback ports that nothing listens on.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // not before all are found, so that no port is found twice
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
