package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// lines is a writer that tells when a line with a word came.
type lines struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{}
	once  sync.Once
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if strings.Contains(l.text.String(), "ready") {
		l.once.Do(func() { close(l.ready) })
	}
	return len(p), nil
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// running is a server that a test started.
type running struct {
	url  string
	dir  string
	stop func() error
	logs *lines
}

// start runs a server until the test ends, or until stop is called.
func start(t *testing.T, c Config) *running {
	t.Helper()
	talk, logs := &lines{ready: make(chan struct{})}, &lines{ready: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c, talk, slog.New(slog.NewTextHandler(logs, nil))) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	select {
	case <-talk.ready:
	case err := <-done:
		cancel()
		t.Fatalf("the server did not start: %v\n%s", err, logs)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		logs.secretsStayOut(t)
	})
	return &running{url: address(t, talk.String(), logs.String()), dir: c.DataDir, stop: stop, logs: logs}
}

// address returns where the server is reached: at its base URL, or where it listens if that is elsewhere.
func address(t *testing.T, talk, logs string) string {
	t.Helper()
	if _, rest, ok := strings.Cut(logs, "listening=http"); ok {
		return "http" + strings.Fields(rest)[0]
	}
	_, rest, ok := strings.Cut(talk, "ready at ")
	if !ok {
		t.Fatalf("no address in %q", talk)
	}
	return strings.Fields(rest)[0]
}

func devConfig(t *testing.T) Config {
	c := Default()
	c.Listen, c.DataDir, c.Dev = "127.0.0.1:0", t.TempDir(), true
	if os.Getenv(postgresVariable) != "" {
		c.Database = pgtest.Database(t)
	}
	return c
}

// bearer returns the credential of the dev administrator.
func (r *running) bearer(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "token.json"))
	if err != nil {
		t.Fatal(err)
	}
	var credential map[string]string
	if err := json.Unmarshal(text, &credential); err != nil {
		t.Fatal(err)
	}
	return credential["bearer_token"]
}

// token posts a form to a token endpoint.
func (r *running) token(t *testing.T, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	response, err := http.PostForm(r.url+path, form)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, decode(t, response.Body)
}

// api calls the management API.
func (r *running) api(t *testing.T, method, path, bearer string, body any) (int, map[string]any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, r.url+"/api/v1/workspaces"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, decode(t, response.Body)
}

func decode(t *testing.T, body io.ReadCloser) map[string]any {
	t.Helper()
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]any{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
	}
	return value
}

func exchangeForm(token string, more ...string) url.Values {
	form := url.Values{
		"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":      {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	}
	for i := 0; i < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return form
}

const idTokenType = "urn:ietf:params:oauth:token-type:id_token"

func TestDevIssuesAnIDToken(t *testing.T) {
	s := start(t, devConfig(t))
	status, answer := s.token(t, "/w/dev/token", exchangeForm(s.bearer(t), "requested_token_type", idTokenType, "audience", "https://api.example.com"))
	if status != http.StatusOK || answer["token_type"] != "N_A" || answer["issued_token_type"] != idTokenType {
		t.Fatalf("%d %v\n%s", status, answer, s.logs)
	}
	status, answer = s.api(t, "GET", "/dev/whoami", s.bearer(t), nil)
	if status != http.StatusOK || answer["workspace"] != "dev" {
		t.Fatalf("%d %v\n%s", status, answer, s.logs)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		status, answer = s.api(t, "GET", "/dev/events/count?kind=token.issued", s.bearer(t), nil)
		if status == http.StatusOK && answer["count"] == 2.0 || time.Now().After(deadline) {
			break
		}
	}
	if answer["count"] != 2.0 {
		t.Fatalf("%d %v\n%s", status, answer, s.logs)
	}
}

var discard = slog.New(slog.DiscardHandler)
