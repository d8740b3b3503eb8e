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
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// cutter stands between the store and PostgreSQL. Armed, it cuts the connection where the store next sends some words:
// before the server hears of them, or before the store hears the answer.
type cutter struct {
	server string // path of its socket
	words  atomic.Value
	before atomic.Bool
	after  atomic.Bool
}

func (c *cutter) arm(words string, before bool) {
	c.words.Store(words)
	c.before.Store(before)
	c.after.Store(!before)
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
			if words, ok := c.words.Load().(string); ok && bytes.Contains(sent, []byte(words)) {
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

	single := func() audit.Entry {
		e := issued(w)
		e.Use = &audit.Use{Issuer: "issuer", TokenID: e.ID, ExpiresAt: e.Time.Add(time.Hour)}
		return e
	}
	for _, c := range []struct {
		rule   string
		entry  func() audit.Entry
		words  string // with which it is committed
		before bool
		want   int64 // events there are afterwards
	}{
		{"one statement, cut before the server heard of it", func() audit.Entry { return issued(w) }, string(audit.TokenIssued), true, 0},
		{"one statement, cut before its answer", func() audit.Entry { return issued(w) }, string(audit.TokenIssued), false, 1},
		{"several, cut before the server heard of the commit", single, "commit\x00", true, 0},
		{"several, cut before the commit's answer", single, "commit\x00", false, 1},
	} {
		before := count(t, direct, w)
		cut.arm(c.words, c.before)
		if outcomes, err := s.Append(t.Context(), []audit.Entry{c.entry()}); !errors.Is(err, store.ErrUnavailable) || outcomes != nil {
			t.Fatalf("%s: %v, %v", c.rule, outcomes, err)
		}
		if n := count(t, direct, w) - before; n != c.want {
			t.Errorf("%s: %d events, want %d", c.rule, n, c.want)
		}
		if _, err := s.Append(t.Context(), []audit.Entry{c.entry()}); err != nil {
			t.Fatalf("%s, afterwards: %v", c.rule, err)
		}
	}
}
