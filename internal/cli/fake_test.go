package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/jwt"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// lab is a person at a terminal: a home, an environment, and a server that answers as nsc does.
type lab struct {
	t     *testing.T
	home  string
	env   map[string]string
	stdin string
	now   time.Time
	nsc   *fakeServer
}

func newLab(t *testing.T) *lab {
	t.Helper()
	home := t.TempDir()
	l := &lab{t: t, home: home, now: noon, nsc: newFakeServer(t)}
	l.env = map[string]string{"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"), "NSC_METADATA_DIR": filepath.Join(home, "run")}
	return l
}

// result is what a command did.
type result struct {
	status    failure.Status
	out, talk string
}

func (l *lab) run(args ...string) result {
	l.t.Helper()
	var out, talk bytes.Buffer
	p := newProgram(strings.NewReader(l.stdin), &out, &talk, func(name string) string { return l.env[name] }, func() time.Time { return l.now })
	status := p.run(l.t.Context(), args)
	return result{status, out.String(), talk.String()}
}

// ok runs a command that must succeed and returns what it prints.
func (l *lab) ok(args ...string) string {
	l.t.Helper()
	r := l.run(args...)
	if r.status != failure.Done {
		l.t.Fatalf("nsc %s: status %d: %s", strings.Join(args, " "), r.status, r.talk)
	}
	return r.out
}

// fails runs a command that must fail with a status, print no data, and say two lines of which the first contains a text.
func (l *lab) fails(status failure.Status, what string, args ...string) result {
	l.t.Helper()
	r := l.run(args...)
	lines := strings.Split(strings.TrimSuffix(r.talk, "\n"), "\n")
	if r.status != status || r.out != "" || len(lines) != 2 || !strings.HasPrefix(lines[0], "nsc: ") || !strings.Contains(lines[0], what) {
		l.t.Errorf("nsc %s: status %d, printed %q, said %q; want status %d and two lines, the first with %q",
			strings.Join(args, " "), r.status, r.out, r.talk, status, what)
	}
	return r
}

func (l *lab) file(names ...string) string {
	return filepath.Join(append([]string{l.home, ".config", "ns"}, names...)...)
}

// signIn stores a sign-in to a workspace in a file.
func (l *lab) signIn(path, workspace string) string {
	l.t.Helper()
	token := l.nsc.accessToken(workspace, "workspace/"+workspace+"id/user/me", l.now.Add(time.Hour))
	if err := credentials.Save(path, credentials.Stored{BearerToken: token}); err != nil {
		l.t.Fatal(err)
	}
	return token
}

func (l *lab) stored(path string) credentials.Stored {
	l.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := credentials.Parse(text)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *lab) write(name, content string) string {
	l.t.Helper()
	path := filepath.Join(l.home, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// call is a request that the fake server got.
type call struct {
	method, path, bearer string
	ifMatch              string
	form                 map[string]string
	query                string
	body                 map[string]any
}

// fakeServer answers as nsc does, by the HTTP contract alone. What a test does not set is the usual answer.
type fakeServer struct {
	*httptest.Server
	t      *testing.T
	signer *jwt.Signer
	issued int

	mu      sync.Mutex
	calls   []call
	answers map[string]answer // by method and path
	names   string            // the workspace that the token at /token is for
}

type answer struct {
	status int
	body   string
	by     func(query string) string // makes the body; nil where it is the same for all
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jwt.NewSigner("fake", jwt.ES256, key)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{t: t, signer: signer, answers: map[string]answer{}, names: "prod"}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeServer) issuer(workspace string) string { return f.URL + "/w/" + workspace }

func (f *fakeServer) accessToken(workspace, subject string, ends time.Time) string {
	f.issued++
	return f.sign(fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":%q,"iat":%d,"exp":%d,"jti":"%d"}`,
		f.issuer(workspace), subject, f.issuer(workspace), noon.Unix(), ends.Unix(), f.issued))
}

func (f *fakeServer) sign(claims string) string {
	token, err := f.signer.Sign("JWT", []byte(claims))
	if err != nil {
		f.t.Error(err)
	}
	return token
}

// answer has a method and path answer with something of its own.
func (f *fakeServer) answer(route string, status int, body string) {
	f.answers[route] = answer{status: status, body: body}
}

// answerBy has a method and path answer what depends on the query.
func (f *fakeServer) answerBy(route string, by func(query string) string) {
	f.answers[route] = answer{status: http.StatusOK, by: by}
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, f.read(r))
	w.Header().Set("Content-Type", "application/json")
	if a, ok := f.answers[r.Method+" "+r.URL.Path]; ok {
		if a.by != nil {
			a.body = a.by(r.URL.Query().Encode())
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
		return
	}
	if workspace, ok := f.tokenEndpoint(r.URL.Path); ok {
		f.serveToken(w, workspace, r.PostForm.Get("requested_token_type"), r.PostForm.Get("audience"))
		return
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"title":"Not Found","detail":"no such thing here","code":"not_found"}`)
}

func (f *fakeServer) read(r *http.Request) call {
	c := call{method: r.Method, path: r.URL.Path, query: r.URL.Query().Encode(), form: map[string]string{}}
	c.ifMatch = r.Header.Get("If-Match")
	c.bearer = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.Header.Get("Content-Type") == "application/json" {
		if err := json.NewDecoder(r.Body).Decode(&c.body); err != nil {
			f.t.Errorf("%s %s: body: %v", r.Method, r.URL.Path, err)
		}
	}
	if err := r.ParseForm(); err != nil {
		f.t.Errorf("%s %s: form: %v", r.Method, r.URL.Path, err)
	}
	for name, values := range r.PostForm {
		c.form[name] = strings.Join(values, " ")
	}
	return c
}

func (f *fakeServer) tokenEndpoint(path string) (workspace string, ok bool) {
	if path == "/token" {
		return f.names, true
	}
	workspace, ok = strings.CutPrefix(path, "/w/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(workspace, "/token")
}

func (f *fakeServer) serveToken(w http.ResponseWriter, workspace, requested, audience string) {
	token := f.accessToken(workspace, "workspace/"+workspace+"id/external/h/x", noon.Add(15*time.Minute))
	if strings.HasSuffix(requested, ":id_token") {
		token = f.sign(fmt.Sprintf(`{"iss":%q,"aud":%q}`, f.issuer(workspace), audience))
	}
	json.NewEncoder(w).Encode(map[string]any{
		"access_token": token, "expires_in": 900, "workspace": workspace, "workspace_id": workspace + "id",
	})
}

// last returns the last call, and forgets all.
func (f *fakeServer) last() call {
	f.t.Helper()
	calls := f.all()
	if len(calls) == 0 {
		f.t.Fatal("the server was not called")
	}
	return calls[len(calls)-1]
}

// all returns the calls, and forgets them.
func (f *fakeServer) all() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}
