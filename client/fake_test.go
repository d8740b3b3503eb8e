package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/client"
	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/jwt"
)

const (
	base     = "https://nsc.example.com"
	audience = "https://your-service.example.com"
	exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	tokenOf  = "urn:ietf:params:oauth:token-type:"
)

var signer = sync.OnceValue(func() *jwt.Signer {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	s, err := jwt.NewSigner("k", jwt.ES256, private)
	if err != nil {
		panic(err)
	}
	return s
})

// mint returns a token; number tells it from every other.
func mint(issuer string, aud any, number int, life time.Duration) string {
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": issuer, "sub": "workspace/w/user/u", "aud": aud, "iat": now.Unix(), "exp": now.Add(life).Unix(), "jti": fmt.Sprint(number),
	})
	if err != nil {
		panic(err)
	}
	token, err := signer().Sign("at+jwt", payload)
	if err != nil {
		panic(err)
	}
	return token
}

// fake is an nsc server that answers in process: it is the transport of an HTTP client.
type fake struct {
	life time.Duration // of the tokens that it issues

	mu       sync.Mutex
	requests []request
	answer   func(w http.ResponseWriter, n int) bool // in place of the n-th answer where it returns true
	down     func(n int) error                       // what the n-th call fails with
	hold     chan struct{}                           // calls wait for it
}

// request is what the server was asked.
type request struct {
	at     time.Time
	url    string
	header http.Header
	form   url.Values
}

func newFake() *fake { return &fake{life: 5 * time.Minute} }

func (s *fake) client() *http.Client { return &http.Client{Transport: s} }

func (s *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.requests = append(s.requests, request{time.Now(), r.URL.String(), r.Header, form})
	n, answer, down, hold := len(s.requests), s.answer, s.down, s.hold
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if down != nil {
		if err := down(n); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	if answer == nil || !answer(w, n) {
		s.issue(w, r, form, n)
	}
	return w.Result(), nil
}

// issue answers as the token endpoint does.
func (s *fake) issue(w http.ResponseWriter, r *http.Request, form url.Values, n int) {
	issuer := strings.TrimSuffix(r.URL.String(), "/token")
	if !strings.Contains(issuer, "/w/") {
		issuer += "/w/inferred"
	}
	name := issuer[strings.LastIndex(issuer, "/")+1:]
	aud := form.Get("audience")
	if aud == "" {
		aud = issuer
	}
	use := "Bearer"
	if form.Get("requested_token_type") == tokenOf+"id_token" {
		use = "N_A"
	}
	fmt.Fprintf(w, `{"access_token":%q,"issued_token_type":%q,"token_type":%q,"expires_in":%d,"workspace":%q,"workspace_id":"x"}`,
		mint(issuer, aud, n, s.life), form.Get("requested_token_type"), use, int(s.life/time.Second), name)
}

// asked returns the requests so far.
func (s *fake) asked() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request{}, s.requests...)
}

func (s *fake) wantRequests(t *testing.T, want int) {
	t.Helper()
	if n := len(s.asked()); n != want {
		t.Errorf("%d requests, want %d", n, want)
	}
}

func (s *fake) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = func(int) error { return err }
}

// block has every call wait until what it returns is closed.
func (s *fake) block() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = make(chan struct{})
	return s.hold
}

var errRefused = errors.New("connection refused")

// home is an environment of the test's own: nobody is signed in, and no variable is set.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{
		"HOME": dir, "XDG_CONFIG_HOME": filepath.Join(dir, "config"), "NSC_METADATA_DIR": filepath.Join(dir, "run"),
		"NSC_TOKEN_FILE": "", "NSC_WORKSPACE": "", "NSC_URL": "", "NSC_CA_FILE": "",
	} {
		t.Setenv(name, value)
	}
	return dir
}

// userFile is a file of the user's.
func userFile(dir, name string) string { return filepath.Join(dir, "config", "ns", name) }

// signIn stores an access token of a workspace for itself, and returns it.
func signIn(t *testing.T, path, workspace string, life time.Duration) string {
	t.Helper()
	token := mint(base+"/w/"+workspace, base+"/w/"+workspace, 0, life)
	if err := credentials.Save(path, credentials.Stored{BearerToken: token}); err != nil {
		t.Fatal(err)
	}
	return token
}

// timed runs a test whose time is the test's own, with a client that has an access token of the workspace prod.
func timed(t *testing.T, test func(t *testing.T, s *fake, c *client.Client)) {
	home(t)
	synctest.Test(t, func(t *testing.T) {
		s := newFake()
		bearer := mint(base+"/w/prod", base+"/w/prod", 0, 24*time.Hour)
		test(t, s, &client.Client{HTTPClient: s.client(), Source: func(context.Context) (string, error) { return bearer, nil }})
	})
}

// idToken has a token, wants an error or none, and lets what runs in the background finish.
func idToken(t *testing.T, c *client.Client, want error) client.Token {
	t.Helper()
	token, err := c.IDToken(t.Context(), audience)
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("error %v, want %v", err, want)
	}
	synctest.Wait()
	return token
}

func wantSame(t *testing.T, a, b client.Token, same bool) {
	t.Helper()
	if (a.Secret() == b.Secret()) != same {
		t.Errorf("the same token: %v, want %v", !same, same)
	}
}
