package identity

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// site is an issuer on the network: an HTTPS server on loopback, with an authority of its own.
type site struct {
	*httptest.Server
	ca          string
	connections atomic.Int64
}

func newSite(t *testing.T, h http.HandlerFunc) *site {
	t.Helper()
	s := &site{Server: httptest.NewUnstartedServer(h)}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	s.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	return s
}

func (s *site) port() string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return port
}

// admitting is the fetcher of a server whose list names loopback for the tenant.
func admitting() *fetcher {
	return &fetcher{dialer: &dialer{exceptions: []Exception{{tenant.Name, netip.MustParsePrefix("127.0.0.0/8"), 0}}}}
}

func (s *site) fetch(t *testing.T, f *fetcher, issuer string, src KeySource) (jwt.KeySet, string, error) {
	t.Helper()
	src.CA = s.ca
	return f.keys(t.Context(), tenant, issuer, src)
}

func wantClass(t *testing.T, err error, want class) {
	t.Helper()
	var f *failure
	switch {
	case want == "" && err != nil:
		t.Fatalf("failed: %v", detailed(err))
	case want != "" && (!errors.As(err, &f) || f.class != want):
		t.Fatalf("got %v (%v), want %v", err, detailed(err), want)
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestSecurityFetchReachesNoInsideAddress(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	inside := newSite(t, answer(http.StatusOK, document(t, k)))
	names := newNameserver(t)
	for name, addr := range map[string]string{
		"loopback.example.com": "127.0.0.1", "private.example.com": "10.0.0.1", "metadata.example.com": "169.254.169.254",
		"nat.example.com": "100.64.0.1", "unspecified.example.com": "0.0.0.0", "mapped.example.com": "::ffff:127.0.0.1",
		"broadcast.example.com": "255.255.255.255", "multicast.example.com": "224.0.0.1",
	} {
		names.say(name, addr)
	}
	names.say("several.example.com", "127.0.0.1", "127.0.0.2", "10.0.0.1")
	f := &fetcher{dialer: &dialer{resolver: names.resolver()}}
	for _, host := range []string{
		"localhost", "127.0.0.1", "127.0.0.2", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"10.0.0.1", "169.254.169.254", "192.168.0.1", "100.64.0.1",
		"loopback.example.com", "private.example.com", "metadata.example.com", "nat.example.com", "unspecified.example.com",
		"mapped.example.com", "broadcast.example.com", "multicast.example.com", "several.example.com",
	} {
		t.Run(host, func(t *testing.T) {
			address := "https://" + host + ":" + inside.port()
			_, _, err := inside.fetch(t, f, address, discovery)
			wantClass(t, err, refusedAddress)
			_, _, err = inside.fetch(t, f, issuer, KeySource{Kind: JWKSURL, URL: address})
			wantClass(t, err, refusedAddress)
		})
	}
	for _, host := range []string{"[::1]", "[::]", "[fe80::1%25lo]", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"} {
		t.Run(host, func(t *testing.T) { // refused, or no address at all
			_, _, err := inside.fetch(t, f, "https://"+host+":"+inside.port(), discovery)
			if err == nil {
				t.Fatal("fetched")
			}
		})
	}
	if n := inside.connections.Load(); n != 0 {
		t.Errorf("%d connections reached the inside", n)
	}
}

// The name has a good address when somebody looks, and another when the connection is made.
func TestSecurityFetchAfterDNSChanged(t *testing.T) {
	k := newKey(t, "k", jwt.ES256)
	s := newSite(t, answer(http.StatusOK, document(t, k)))
	names := newNameserver(t)
	one := []Exception{{tenant.Name, netip.MustParsePrefix("127.0.0.1/32"), 0}}
	f := &fetcher{dialer: &dialer{resolver: names.resolver(), exceptions: one}}
	src := KeySource{Kind: JWKSURL, URL: "https://example.com:" + s.port()}
	names.say("example.com", "127.0.0.1")
	_, _, err := s.fetch(t, f, issuer, src)
	wantClass(t, err, "")
	names.say("example.com", "127.0.0.2")
	_, _, err = s.fetch(t, f, issuer, src)
	wantClass(t, err, refusedAddress)
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestSecurityFetchRedirects(t *testing.T) {
	set := document(t, newKey(t, "k", jwt.ES256))
	elsewhere := newSite(t, answer(http.StatusOK, set))
	plain := httptest.NewServer(answer(http.StatusOK, set))
	t.Cleanup(plain.Close)
	var s *site
	s = newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			io.WriteString(w, set)
			return
		}
		targets := map[string]string{
			"/host": elsewhere.URL, "/scheme": plain.URL, "/user": strings.Replace(s.URL, "https://", "https://a:b@", 1) + "/set",
			"/name": "https://localhost:" + s.port() + "/set", "/port": "https://127.0.0.1/set", "/file": "file:///etc/passwd",
			"/plain": strings.Replace(s.URL, "https://", "http://", 1) + "/set",
			"/once":  "/set", "/2": "/once", "/3": "/2", "/4": "/3", "/loop": "/loop",
		}
		http.Redirect(w, r, targets[r.URL.Path], http.StatusFound)
	})
	for path, want := range map[string]class{
		"/set": "", "/once": "", "/2": "", "/3": "", "/4": badRedirect, "/loop": badRedirect,
		"/host": badRedirect, "/scheme": badRedirect, "/user": badRedirect, "/name": badRedirect, "/port": badRedirect, "/file": badRedirect,
		"/plain": badRedirect,
	} {
		t.Run(path, func(t *testing.T) {
			_, _, err := s.fetch(t, admitting(), issuer, KeySource{Kind: JWKSURL, URL: s.URL + path})
			wantClass(t, err, want)
		})
	}
	if n := elsewhere.connections.Load(); n != 0 {
		t.Errorf("%d connections to another host", n)
	}
}

func TestSecurityFetchAnswers(t *testing.T) {
	set := document(t, newKey(t, "k", jwt.ES256))
	many := `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{},`, 100_000), ",") + `]}`
	for _, row := range []struct {
		rule   string
		answer http.HandlerFunc
		want   class
	}{
		{"a key set", answer(http.StatusOK, set), ""},
		{"100,000 keys", answer(http.StatusOK, many), badDocument},
		{"101 keys", answer(http.StatusOK, `{"keys":[`+strings.TrimSuffix(strings.Repeat(`{"kty":"x"},`, 101), ",")+`]}`), badDocument},
		{"no keys", answer(http.StatusOK, `{"keys":[]}`), badDocument},
		{"a web page", answer(http.StatusOK, `<html>`), badDocument},
		{"nothing", answer(http.StatusOK, ``), badDocument},
		{"a body as long as is allowed", answer(http.StatusOK, set+strings.Repeat(" ", maxDocument-len(set))), ""},
		{"a body one byte longer", answer(http.StatusOK, set+strings.Repeat(" ", maxDocument-len(set)+1)), tooLarge},
		{"not found", answer(http.StatusNotFound, set), noSuccess},
		{"gone", answer(http.StatusGone, set), noSuccess},
		{"too many requests", answer(http.StatusTooManyRequests, set), noSuccess},
		{"no content", answer(http.StatusNoContent, ""), noSuccess},
		{"failed", answer(http.StatusInternalServerError, set), serverError},
		{"under maintenance", answer(http.StatusServiceUnavailable, set), serverError},
		{"an endless body", func(w http.ResponseWriter, _ *http.Request) {
			for _, err := w.Write([]byte(set)); err == nil; {
				_, err = w.Write(bytes.Repeat([]byte{' '}, 1<<16))
			}
		}, tooLarge},
		{"an endless header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			io.WriteString(w, set)
		}, badDocument},
		{"a compressed bomb stays compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte{0x1f, 0x8b})
		}, badDocument},
		{"a body that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, set[:10])
		}, unreachable},
		{"a connection that breaks off", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, unreachable},
	} {
		t.Run(row.rule, func(t *testing.T) {
			s := newSite(t, row.answer)
			got, origin, err := s.fetch(t, admitting(), issuer, KeySource{Kind: JWKSURL, URL: s.URL + "/jwks"})
			wantClass(t, err, row.want)
			if err == nil && (len(got.Keys) != 1 || origin != s.URL+"/jwks") {
				t.Errorf("%d keys from %s", len(got.Keys), origin)
			}
		})
	}
}

func TestSecurityFetchCertificates(t *testing.T) {
	s := newSite(t, answer(http.StatusOK, document(t, newKey(t, "k", jwt.ES256))))
	names := newNameserver(t)
	names.say("stranger.test", "127.0.0.1")
	f := admitting()
	f.dialer.(*dialer).resolver = names.resolver()
	for _, row := range []struct {
		rule string
		src  KeySource
		want class
	}{
		{"of the named authority", KeySource{URL: s.URL, CA: s.ca}, ""},
		{"of an authority that the system does not know", KeySource{URL: s.URL}, badCertificate},
		{"for another name", KeySource{URL: "https://stranger.test:" + s.port(), CA: s.ca}, badCertificate},
		{"of an authority that cannot be read", KeySource{URL: s.URL, CA: "x"}, badCertificate},
	} {
		t.Run(row.rule, func(t *testing.T) {
			row.src.Kind = JWKSURL
			_, _, err := f.keys(t.Context(), tenant, issuer, row.src)
			wantClass(t, err, row.want)
		})
	}
}

func TestFetchFromWhereNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	names := newNameserver(t)
	f := admitting()
	f.dialer.(*dialer).resolver = names.resolver()
	for _, address := range []string{"https://" + l.Addr().String(), "https://no.such.name.test"} {
		_, _, err = f.keys(t.Context(), tenant, issuer, KeySource{Kind: JWKSURL, URL: address})
		wantClass(t, err, unreachable)
	}
}

func TestRule35NoExceptionSpeaksPlainHTTP(t *testing.T) {
	plain := httptest.NewServer(answer(http.StatusOK, document(t, newKey(t, "k", jwt.ES256))))
	t.Cleanup(plain.Close)
	src := KeySource{Kind: JWKSURL, URL: plain.URL}
	_, _, err := admitting().keys(t.Context(), tenant, issuer, src)
	wantClass(t, err, refusedAddress)
	dev := &fetcher{allowLoopback: true, dialer: &dialer{allowLoopback: true}}
	_, _, err = dev.keys(t.Context(), tenant, issuer, src)
	wantClass(t, err, "")
}

func TestRule35NoProxyAndNoSharedConnection(t *testing.T) {
	transport := (&channel{fetcher: admitting()}).client(false).Transport.(*http.Transport)
	if transport.Proxy != nil {
		t.Error("a proxy would dial in the filter's stead")
	}
	set := document(t, newKey(t, "k", jwt.ES256))
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Error("the connection is kept")
		}
		io.WriteString(w, set)
	})
	f, src := admitting(), KeySource{Kind: JWKSURL, URL: s.URL, CA: s.ca}
	_, _, err := f.keys(t.Context(), tenant, issuer, src)
	wantClass(t, err, "")
	_, _, err = f.keys(t.Context(), other, issuer, src) // its workspace is no exception
	wantClass(t, err, refusedAddress)
}
