package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// A server stops in four steps. It tells its callers to go, by readiness and by closing connections after answers. A
// second later it stops listening, at a moment when nobody waits to be let in. Whoever was let in has a first answer.
// Then net/http's Shutdown ends the rest: it would end connections whose first request is just being read, too.
const (
	drainFor = time.Second     // the first step
	firstFor = 5 * time.Second // the third at most: some connect and ask nothing
)

// drain takes the first three steps. nsc dev, whose user waits for it, takes none.
func (n *node) drain(s *servers) {
	n.log.Info("stopping: finishing the requests that are under way")
	n.draining.Store(true)
	if n.config.Dev {
		return
	}
	time.Sleep(drainFor)
	ctx, cancel := context.WithTimeout(context.Background(), firstFor)
	defer cancel()
	s.lastCall.call(ctx)
	s.newcomers.wait(ctx)
}

// lastCall is a listener that stops listening without turning those away who are connected already, but not accepted yet:
// the system would reset their connections.
type lastCall struct {
	*net.TCPListener
	end    func() error // closes it, once
	closed chan struct{}
}

func newLastCall(of net.Listener) *lastCall {
	l := &lastCall{TCPListener: of.(*net.TCPListener), closed: make(chan struct{})}
	l.end = sync.OnceValue(func() error {
		defer close(l.closed)
		return l.TCPListener.Close()
	})
	return l
}

// call has Accept close the listener once nobody waits.
func (l *lastCall) call(ctx context.Context) {
	_ = l.SetDeadline(time.Now()) // an error is that it is closed
	select {
	case <-l.closed:
	case <-ctx.Done(): // no connection more is accepted, for there are too many
		_ = l.Close()
	}
}

// Accept returns the next connection. A deadline is the last call: whoever waits is let in, and then it is closed.
func (l *lastCall) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return conn, err
	}
	for {
		fd, err := l.waiting()
		if err != nil {
			return nil, errors.Join(net.ErrClosed, l.Close())
		}
		if conn, err := connection(fd); err == nil {
			return conn, nil
		} // it went away meanwhile
	}
}

// waiting accepts a connection that waits. An error is that none does.
func (l *lastCall) waiting() (fd int, err error) {
	raw, err := l.SyscallConn()
	if err != nil {
		return -1, err
	}
	closed := raw.Control(func(listener uintptr) {
		for {
			if fd, _, err = syscall.Accept(int(listener)); err != syscall.EINTR && err != syscall.ECONNABORTED {
				return
			}
		}
	})
	return fd, errors.Join(closed, err)
}

// connection returns the connection of a descriptor, which becomes its own.
func connection(fd int) (net.Conn, error) {
	syscall.CloseOnExec(fd)
	file := os.NewFile(uintptr(fd), "connection")
	defer file.Close() // the connection has a copy
	return net.FileConn(file)
}

// Close stops listening.
func (l *lastCall) Close() error { return l.end() }

// newcomers are the connections that have no answer yet.
type newcomers struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	left  chan struct{} // holds one: some connection is none of them any more
}

func newNewcomers() *newcomers {
	return &newcomers{conns: map[net.Conn]struct{}{}, left: make(chan struct{}, 1)}
}

// note is told what becomes of every connection.
func (n *newcomers) note(conn net.Conn, state http.ConnState) {
	if state == http.StateActive {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if state == http.StateNew {
		n.conns[conn] = struct{}{}
		return
	}
	delete(n.conns, conn)
	select {
	case n.left <- struct{}{}:
	default:
	}
}

// wait returns once there is none.
func (n *newcomers) wait(ctx context.Context) {
	for n.any() {
		select {
		case <-n.left:
		case <-ctx.Done():
			return
		}
	}
}

func (n *newcomers) any() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns) > 0
}
