package store_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// cutter stands between the store and PostgreSQL. Armed, it cuts the connection at the next commit: before the server
// hears of it, or before the store hears the answer.
type cutter struct {
	server string // path of its socket
	before atomic.Bool
	after  atomic.Bool
}

func (c *cutter) serve(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", c.server)
			if err != nil {
				client.Close()
				return
			}
			go c.pass(client, server)
		}
	}()
	return listener.Addr().String()
}

func (c *cutter) pass(client, server net.Conn) {
	var answerless atomic.Bool
	defer client.Close()
	go func() {
		defer server.Close()
		_ = each(client, func(sent []byte) error {
			if bytes.Contains(sent, []byte("commit\x00")) {
				if c.before.CompareAndSwap(true, false) {
					return io.EOF
				}
				answerless.Store(c.after.CompareAndSwap(true, false))
			}
			_, err := server.Write(sent)
			return err
		})
	}()
	_ = each(server, func(answer []byte) error {
		if answerless.Load() {
			return io.EOF
		}
		_, err := client.Write(answer)
		return err
	})
}

func each(from io.Reader, f func([]byte) error) error {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err == nil {
			err = f(buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}

// An error of the commit leaves open whether it took effect. The recorder issues no receipt then, so nothing is signed:
// the record may know of a token that nobody got, never the other way round.
func TestACommitWithoutAnAnswerMayHaveTakenEffect(t *testing.T) {
	address := pgtest.Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	cut := &cutter{server: filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")}
	host, port, err := net.SplitHostPort(cut.serve(t))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, with(t, address, "host", host, "port", port, "sslmode", "disable"))
	w := tenant(t, s)
	direct := open(t, address)

	for name, c := range map[string]struct {
		arm  *atomic.Bool
		want int64 // events there are afterwards
	}{
		"cut before the server heard of it": {&cut.before, 0},
		"cut before its answer":             {&cut.after, 1},
	} {
		before := count(t, direct, w)
		c.arm.Store(true)
		if outcomes, err := s.Append(t.Context(), []audit.Entry{issued(w)}); !errors.Is(err, store.ErrUnavailable) || outcomes != nil {
			t.Fatalf("%s: %v, %v", name, outcomes, err)
		}
		if n := count(t, direct, w) - before; n != c.want {
			t.Errorf("%s: %d events, want %d", name, n, c.want)
		}
		if _, err := s.Append(t.Context(), []audit.Entry{issued(w)}); err != nil {
			t.Fatalf("afterwards: %v", err)
		}
	}
}
