package identity

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// pipes carries connections to a server without a network, so that synctest's clock rules both ends.
type pipes struct{ accept chan net.Conn }

func (p *pipes) open(string, bool) dialFunc {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case p.accept <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	conn, ok := <-p.accept
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func TestSecurityFetchFromTheSlow(t *testing.T) {
	set := document(t, newKey(t, "k", jwt.ES256))
	drip := func(w http.ResponseWriter, r *http.Request) {
		for i := 0; r.Context().Err() == nil; i++ {
			fmt.Fprintf(w, "%c", set[i%len(set)])
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	for _, row := range []struct {
		rule   string
		answer http.HandlerFunc
	}{
		{"a slow body", drip},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"slow discovery and slow keys share the time", func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(3 * time.Second):
			}
			io.WriteString(w, `{"issuer":"http://127.0.0.1","jwks_uri":"http://127.0.0.1/jwks"}`)
		}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pipes{make(chan net.Conn)}
				server := &http.Server{Handler: row.answer}
				go server.Serve(p)
				f := &fetcher{allowLoopback: true, dialer: p}
				v := newVerifier(newWorld(), nil, newClock())
				v.sources.fetch = f.keys
				r, _ := v.sources.remote(tenant, "http://127.0.0.1", discovery)
				before := time.Now()
				flight, _, err := r.launch(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				<-flight.done
				wantClass(t, flight.err, unreachable)
				if took := time.Since(before); took != fetchTime {
					t.Errorf("ended after %v", took)
				}
				close(p.accept)
				server.Close()
			})
		})
	}
}

// Nothing of a fetch is left when its time is over: synctest fails where a goroutine of the bubble stays.
func TestSecurityFetchFromWhoeverNeverSpeaksTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn, 1)}
		ctx, cancel := context.WithTimeout(t.Context(), fetchTime)
		defer cancel()
		_, _, err := (&fetcher{dialer: p}).keys(ctx, tenant, issuer, discovery)
		wantClass(t, err, unreachable)
	})
}
