package interop

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A workspace is one issuer of a server.
type workspace struct {
	ID     string `json:"workspace_id"`
	Name   string `json:"name"`
	Issuer string `json:"issuer"`
	server *server
}

// An issuer is what a trust relationship must know of one.
type issuer struct {
	url    string
	caFile string // of its private certificate authority; "" where it has none
}

// api returns the address of something in the management API.
func (w workspace) api(noun string) string {
	return strings.TrimSuffix(w.Issuer, "/w/"+w.Name) + "/api/v1/workspaces/" + w.Name + "/" + noun
}

func (w workspace) issuer() issuer { return issuer{w.Issuer, w.server.caFile} }

// A grant is what a trust relationship gives.
type grant struct {
	Type       string   `json:"resource_type"`
	Identifier string   `json:"resource_id"`
	Actions    []string `json:"actions"`
}

func issueFor(audience string) grant { return grant{"audience", audience, []string{"issue"}} }

// trust has a workspace trust an issuer's tokens for a subject.
func (w workspace) trust(t *testing.T, who issuer, subject string, grants ...grant) {
	t.Helper()
	arguments := []string{
		"auth", "trust-relationships", "add", "--workspace", w.Name, "--issuer", who.url, "--subject-match", subject,
	}
	if who.caFile != "" {
		arguments = append(arguments, "--issuer-ca-file", who.caFile)
	}
	for _, g := range grants {
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, "--grant", string(text))
	}
	w.server.admin.run(t, arguments...)
}

// A signingKey is one that a rotation made.
type signingKey struct {
	ID        string    `json:"key_id"`
	CreatedAt time.Time `json:"created_at"`
	ActiveAt  time.Time `json:"active_at"` // when it begins to sign
}

// rotate replaces a signing key and returns the new one.
func (w workspace) rotate(t *testing.T, flags ...string) signingKey {
	t.Helper()
	arguments := append([]string{"keys", "rotate", "--workspace", w.Name, "-o", "json"}, flags...)
	var key signingKey
	if err := json.Unmarshal([]byte(w.server.admin.run(t, arguments...)), &key); err != nil {
		t.Fatal(err)
	}
	return key
}

// bearer returns an administrator's access token: of the development workspace the one in token.json, of any other what
// the two standard calls make of that.
func (w workspace) bearer(t *testing.T) string {
	t.Helper()
	s := w.server
	if w.Name == s.dev.Name {
		return s.bearer
	}
	shown := s.dev.exchange(t, s.bearer, want{kind: idToken, audience: w.Issuer}).mustIssue(t)
	return w.exchange(t, shown, want{kind: accessToken}).mustIssue(t)
}

// issue returns a token for the administrator. More are pairs of further parameters.
func (w workspace) issue(t *testing.T, kind kind, audience string, more ...string) string {
	t.Helper()
	return w.exchange(t, w.bearer(t), want{kind: kind, audience: audience, more: more}).mustIssue(t)
}

// subject returns whom the administrator's tokens are about.
func (w workspace) subject(t *testing.T) string {
	t.Helper()
	return read(t, w.bearer(t)).Subject
}

// exchange posts to the token endpoint.
func (w workspace) exchange(t *testing.T, subjectToken string, want want) answer {
	t.Helper()
	return w.post(t, w.Issuer+"/token", want.form(subjectToken))
}

func (w workspace) post(t *testing.T, endpoint string, form url.Values) answer {
	t.Helper()
	response, err := w.server.client.PostForm(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatalf("%s answered %d: %v", endpoint, response.StatusCode, err)
	}
	return a
}
