package client_test

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/client"
	"github.com/nsc-federation/nsc/internal/credentials"
)

// TestSignInIsFoundAsTheCommandLineFindsIt holds the order: each row has one file more than is used.
func TestSignInIsFoundAsTheCommandLineFindsIt(t *testing.T) {
	dir := home(t)
	variable := filepath.Join(dir, "variable.json")
	if _, err := new(client.Client).IDToken(t.Context(), audience); !errors.Is(err, client.ErrNotSignedIn) || !strings.Contains(err.Error(), "nsc auth exchange-oidc-token") {
		t.Errorf("nobody is signed in: %v", err)
	}
	for _, step := range []struct{ path, workspace string }{
		{userFile(dir, "token.json"), "user"},
		{filepath.Join(dir, "run", "token.json"), "workload"},
		{variable, "variable"},
	} {
		want := signIn(t, step.path, step.workspace, time.Hour)
		if step.path == variable {
			t.Setenv("NSC_TOKEN_FILE", variable)
		}
		s := newFake()
		token, err := (&client.Client{HTTPClient: s.client()}).IDToken(t.Context(), audience)
		if err != nil || token.Workspace != step.workspace {
			t.Fatalf("%s: %s, %v", step.workspace, token.Workspace, err)
		}
		if r := s.asked()[0]; r.url != base+"/w/"+step.workspace+"/token" || r.form.Get("subject_token") != want {
			t.Errorf("%s: asked %s with another token", step.workspace, r.url)
		}
	}
}

func TestAnEndedSignInIsNotSent(t *testing.T) {
	dir := home(t)
	signIn(t, userFile(dir, "token.json"), "prod", -time.Second)
	s := newFake()
	_, err := (&client.Client{HTTPClient: s.client()}).IDToken(t.Context(), audience)
	if !errors.Is(err, client.ErrNotSignedIn) || !strings.Contains(err.Error(), "prod ended at") {
		t.Errorf("%v", err)
	}
	s.wantRequests(t, 0)
}

// TestAnotherWorkspaceIsEnteredByFederation: two standard calls, as the command line does; a sign-in goes to no other
// server.
func TestAnotherWorkspaceIsEnteredByFederation(t *testing.T) {
	for name, row := range map[string]struct {
		issuer, workspace, url string
		want                   string
		refused                string
	}{
		"none is named":             {"", "", "", "home", ""},
		"the same is named":         {base + "/w/home", "", "", "home", ""},
		"another by the field":      {base + "/w/far", "", "", "far", ""},
		"another by the variable":   {"", "far", "", "far", ""},
		"another by both variables": {"", "far", base + "/", "far", ""},
		"the field comes first":     {base + "/w/home", "far", "https://else.example", "home", ""},
		"the same server, spelled":  {"https://NSC.example.com:443/w/far", "", "", "far", ""},
		"another server":            {"", "", "https://else.example", "", "is not sent to"},
		"another server's":          {"https://else.example/w/home", "", "", "", "is not sent to"},
		"no issuer":                 {base, "", "", "", "not the issuer of a workspace"},
		"no name":                   {"", "../far", "", "", "not the name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			signIn(t, userFile(dir, "token.json"), "home", time.Hour)
			t.Setenv("NSC_WORKSPACE", row.workspace)
			t.Setenv("NSC_URL", row.url)
			s := newFake()
			c := &client.Client{HTTPClient: s.client(), Issuer: row.issuer}
			token, err := c.IDToken(t.Context(), audience)
			if row.refused != "" {
				if err == nil || !strings.Contains(err.Error(), row.refused) {
					t.Errorf("%v, want %q", err, row.refused)
				}
				s.wantRequests(t, 0)
				return
			}
			if err != nil || token.Workspace != row.want {
				t.Fatalf("of %s, %v", token.Workspace, err)
			}
			all := s.asked()
			if row.want == "home" {
				s.wantRequests(t, 1)
				return
			}
			if len(all) != 3 || all[0].url != base+"/w/home/token" || all[0].form.Get("audience") != base+"/w/far" ||
				all[1].url != base+"/w/far/token" || all[2].url != all[1].url || all[2].form.Get("audience") != audience {
				t.Errorf("asked %+v", all)
			}
			if _, err := c.IDToken(t.Context(), audience+"/2"); err != nil {
				t.Fatal(err)
			}
			s.wantRequests(t, 4) // the token of the other workspace is kept
		})
	}
}

// TestATokenOfAnotherWorkspaceIsItsSignInsAlone: somebody else signs in, and is not given what the first one had.
func TestATokenOfAnotherWorkspaceIsItsSignInsAlone(t *testing.T) {
	dir := home(t)
	s := newFake()
	c := &client.Client{HTTPClient: s.client(), Issuer: base + "/w/far"}
	for n, want := range []int{3, 3 + 3} {
		signIn(t, userFile(dir, "token.json"), "home", time.Duration(n+1)*time.Hour)
		if _, err := c.IDToken(t.Context(), strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		s.wantRequests(t, want)
	}
}

func TestExchange(t *testing.T) {
	for name, row := range map[string]struct {
		aud                    any
		issuer, workspace, url string
		want, refused          string
	}{
		"the audience names the workspace":    {base + "/w/prod", "", "", "", base + "/token", ""},
		"one of the audiences does":           {[]string{"x", base + "/w/prod"}, "", "", "", base + "/token", ""},
		"and the variable too":                {base + "/w/prod", "", "test", "", base + "/w/test/token", ""},
		"the field names it":                  {"x", base + "/w/prod", "", "", base + "/w/prod/token", ""},
		"the variables name it":               {"x", "", "prod", base, base + "/w/prod/token", ""},
		"only the server is named":            {"x", "", "", base, base + "/token", ""},
		"this machine, over plain HTTP":       {"http://127.0.0.1:8740/w/dev", "", "", "", "http://127.0.0.1:8740/token", ""},
		"nothing is named":                    {"x", "", "", "", "", "does not name a workspace"},
		"two servers are named":               {[]string{base + "/w/a", "https://else.example/w/a"}, "", "", "", "", "several servers"},
		"another machine over plain HTTP":     {"http://nsc.example.com/w/prod", "", "", "", "", "not https"},
		"another machine, by the variable":    {"x", "", "prod", "http://nsc.example.com", "", "not https"},
		"the variable names something else":   {"x", "", "prod", "ftp://nsc.example.com", "", "not https"},
		"a server that calls itself otherwse": {"x", "", "evil", "https://evil.example", "", "calls itself"},
	} {
		t.Run(name, func(t *testing.T) {
			home(t)
			t.Setenv("NSC_WORKSPACE", row.workspace)
			t.Setenv("NSC_URL", row.url)
			s := newFake()
			if row.workspace == "evil" {
				s.answer = func(w http.ResponseWriter, _ int) bool {
					_, err := w.Write([]byte(`{"access_token":"` + mint(base+"/w/prod", "x", 1, time.Hour) + `","expires_in":300,` +
						`"issued_token_type":"` + tokenOf + `access_token","token_type":"Bearer"}`))
					return err == nil
				}
			}
			external := mint("https://ci.example", row.aud, 1, time.Hour)
			token, err := (&client.Client{HTTPClient: s.client(), Issuer: row.issuer}).Exchange(t.Context(), external)
			if row.refused != "" {
				if err == nil || !strings.Contains(err.Error(), row.refused) || token.Secret() != "" {
					t.Errorf("%v, want %q", err, row.refused)
				}
				return
			}
			if err != nil || token.Workspace == "" {
				t.Fatal(err)
			}
			if r := s.asked()[0]; r.url != row.want || r.form.Get("subject_token") != external ||
				r.form.Get("subject_token_type") != tokenOf+"jwt" || r.form.Get("requested_token_type") != tokenOf+"access_token" {
				t.Errorf("asked %s with %v", r.url, r.form)
			}
		})
	}
	if _, err := new(client.Client).Exchange(t.Context(), "no token"); err == nil {
		t.Error("what is no token was exchanged")
	}
}

func TestSourceInPlaceOfAFile(t *testing.T) {
	home(t)
	s := newFake()
	c := &client.Client{HTTPClient: s.client()}
	c.Source = func(ctx context.Context) (string, error) {
		token, err := c.Exchange(ctx, mint("https://ci.example", base+"/w/prod", 1, time.Hour))
		return token.Secret(), err
	}
	if token, err := c.IDToken(t.Context(), audience); err != nil || token.Workspace != "inferred" {
		t.Errorf("%v", err)
	}
	for name, source := range map[string]func(context.Context) (string, error){
		"that fails":        func(context.Context) (string, error) { return "", errRefused },
		"of something else": func(context.Context) (string, error) { return "x", nil },
	} {
		if _, err := (&client.Client{HTTPClient: s.client(), Source: source}).IDToken(t.Context(), audience); err == nil {
			t.Errorf("a source %s was used", name)
		}
	}
}

func TestSignInIsRenewedInTheUsersFileAlone(t *testing.T) {
	for name, row := range map[string]struct {
		file    string // "" is none
		life    time.Duration
		fails   bool
		renewed bool
		works   bool
	}{
		"a young one of the user's":         {"user", time.Hour, false, false, true},
		"one of the user's that ended":      {"user", -time.Second, false, true, true},
		"none":                              {"", 0, false, true, true},
		"one of the user's, no luck":        {"user", -time.Second, true, true, false},
		"none, no luck":                     {"", 0, true, true, false},
		"the workload's that ended":         {"workload", -time.Second, false, false, false},
		"that which a variable names ended": {"variable", -time.Second, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := home(t)
			path := map[string]string{
				"": userFile(dir, "token.json"), "user": userFile(dir, "token.json"), "workload": filepath.Join(dir, "run", "token.json"),
				"variable": filepath.Join(dir, "variable.json"),
			}[row.file]
			if row.file != "" {
				signIn(t, path, "prod", row.life)
			}
			if row.file == "variable" {
				t.Setenv("NSC_TOKEN_FILE", path)
			}
			fresh, calls, s := mint(base+"/w/prod", base+"/w/prod", 7, time.Hour), 0, newFake()
			c := &client.Client{HTTPClient: s.client(), SignIn: func(context.Context) (string, error) {
				calls++
				if row.fails {
					return "", errRefused
				}
				return fresh, nil
			}}
			_, err := c.IDToken(t.Context(), audience)
			if (err == nil) != row.works || (calls == 1) != row.renewed || calls > 1 {
				t.Errorf("%d calls, %v", calls, err)
			}
			stored, err := credentials.Load(path, credentials.Workload)
			if row.renewed && row.works != (err == nil && stored.BearerToken == fresh) {
				t.Errorf("the file holds %q, %v", stored.BearerToken, err)
			}
		})
	}
}

// TestASignInThatCannotBeRenewedServesToItsEnd: the issuer of the new one is down in the last third of the old one.
func TestASignInThatCannotBeRenewedServesToItsEnd(t *testing.T) {
	dir := home(t)
	now := time.Now()
	payload := `{"iss":"` + base + `/w/prod","sub":"s","iat":` + seconds(now.Add(-40*time.Minute)) + `,"exp":` + seconds(now.Add(10*time.Minute)) + `}`
	token, err := signer().Sign("at+jwt", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if err := credentials.Save(userFile(dir, "token.json"), credentials.Stored{BearerToken: token}); err != nil {
		t.Fatal(err)
	}
	c := &client.Client{HTTPClient: newFake().client(), SignIn: func(context.Context) (string, error) { return "", errRefused }}
	if _, err := c.IDToken(t.Context(), audience); err != nil {
		t.Error(err)
	}
}

func TestOnlyAnAccessTokenIsStored(t *testing.T) {
	dir := home(t)
	c := &client.Client{HTTPClient: newFake().client(), SignIn: func(context.Context) (string, error) { return "x", nil }}
	if _, err := c.IDToken(t.Context(), audience); err == nil {
		t.Error("what is no token was used")
	}
	if _, err := os.Stat(userFile(dir, "token.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was stored: %v", err)
	}
}

func TestPrivateAuthority(t *testing.T) {
	dir := home(t)
	s := newFake()
	tls := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		r.URL.Scheme, r.URL.Host = "https", r.Host
		s.issue(w, r, r.PostForm, 1)
	}))
	defer tls.Close()
	file := filepath.Join(dir, "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".empty", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	external := mint("https://ci.example", tls.URL+"/w/prod", 1, time.Hour)
	for _, row := range []struct{ file, says string }{
		{"", "certificate signed by unknown authority"},
		{file + ".none", "NSC_CA_FILE"},
		{file + ".empty", "holds no certificate"},
		{file, ""},
	} {
		t.Setenv("NSC_CA_FILE", row.file)
		_, err := new(client.Client).Exchange(t.Context(), external)
		if row.says == "" && err != nil || row.says != "" && (err == nil || !strings.Contains(err.Error(), row.says)) {
			t.Errorf("NSC_CA_FILE=%q: %v", row.file, err)
		}
	}
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
