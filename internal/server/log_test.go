package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/nsc-federation/nsc/internal/evidence"
)

// checkpoint asks for a workspace's checkpoint, with a query where one is given.
func (s *running) checkpoint(t *testing.T, workspace, bearer string, query ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("GET", s.url+"/w/"+workspace+"/log/checkpoint"+strings.Join(query, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// signedLog waits until the log's checkpoint covers as many events as there are.
func (s *running) signedLog(t *testing.T) map[string]any {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		count := s.call(t, "GET", apiRoot+"/dev/events/count", s.bearer(t), nil).body["count"]
		log := s.call(t, "GET", apiRoot+"/dev/log", s.bearer(t), nil).body
		if log["signed_size"] == count && count != 0.0 {
			return log
		}
		select {
		case <-deadline:
			t.Fatalf("%v events, and the log stands at %v\n%s", count, log, s.logs)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// exported is an export of the workspace dev, as the command line makes it.
func (s *running) exported(t *testing.T, from int64) string {
	t.Helper()
	log := s.signedLog(t)
	ws := s.call(t, "GET", apiRoot+"/dev", "", nil).body
	query := "?from=" + mustJSON(t, from)
	var before struct{ Hashes json.RawMessage }
	if err := json.Unmarshal([]byte(s.call(t, "GET", apiRoot+"/dev/log/frontier?size="+mustJSON(t, from), s.bearer(t), nil).text), &before); err != nil {
		t.Fatal(err)
	}
	h := evidence.Header{
		Format: evidence.Format, Version: evidence.Version, Workspace: "dev", WorkspaceID: ws["workspace_id"].(string), Issuer: ws["issuer"].(string),
		VerifierKey: log["verifier_key"].(string), From: from, To: int64(log["signed_size"].(float64)), Checkpoint: log["checkpoint"].(string),
	}
	if err := json.Unmarshal(before.Hashes, &h.Before); err != nil {
		t.Fatal(err)
	}
	cosigned, _ := log["cosigned"].([]any)
	for _, note := range cosigned {
		h.Cosigned = append(h.Cosigned, note.(string))
	}
	var page struct{ Items []evidence.Line }
	if err := json.Unmarshal([]byte(s.call(t, "GET", apiRoot+"/dev/log/entries"+query, s.bearer(t), nil).text), &page); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, value := range append([]any{h}, anyOf(page.Items)...) {
		if err := evidence.Write(&b, value); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func anyOf[T any](list []T) []any {
	all := make([]any, len(list))
	for i := range list {
		all[i] = list[i]
	}
	return all
}

func verifies(t *testing.T, in evidence.Input) *evidence.Report {
	t.Helper()
	r, err := evidence.Verify(in)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		t.Errorf("%v", r.Findings)
	}
	return r
}

func TestRule25TheLogOfARunningServerIsVerified(t *testing.T) {
	s, i := start(t, devConfig(t)), newIssuer(t)
	s.trust(t, i, map[string]any{"description": "<&> ünïcode \u2028"})
	first := s.exported(t, 0)
	for range 5 {
		s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	}
	_, kept := s.checkpoint(t, "dev", s.bearer(t))
	log := s.signedLog(t)
	r := verifies(t, evidence.Input{
		Export: strings.NewReader(s.exported(t, 0)), Older: strings.NewReader(first), Outside: kept, Key: log["verifier_key"].(string),
	})
	if float64(r.To) != log["size"] || len(r.Proved) != 3 {
		t.Errorf("%+v", r)
	}
	verifies(t, evidence.Input{Export: strings.NewReader(s.exported(t, 3)), Older: strings.NewReader(first)})
	if r := s.call(t, "GET", apiRoot+"/dev/log/frontier?size=100000", s.bearer(t), nil); r.status != http.StatusUnprocessableEntity {
		t.Error(r)
	}
	if r := s.call(t, "GET", apiRoot+"/dev/log/entries?from=100000", s.bearer(t), nil); r.status != http.StatusOK || r.text != `{"items":[]}`+"\n" {
		t.Error(r)
	}
}

// Rule 7: a workspace's record is not public, and how fast its log grows belongs to it.
func TestRule07CheckpointsAreForThoseWhoReadTheRecord(t *testing.T) {
	c := devConfig(t)
	s, i := start(t, c), newIssuer(t)
	log := s.signedLog(t)
	stranger := s.limited(t, i, "ci:stranger", grant("audience", "https://api.example.com", "issue"))
	reader := s.limited(t, i, "ci:reader", grant("workspace", "record", "read"))
	for name, x := range map[string]struct {
		workspace, bearer string
		status            int
	}{
		"nobody": {"dev", "", 401}, "without the grant": {"dev", stranger, 403}, "reader": {"dev", reader, 200},
		"of another workspace": {"system", reader, 401}, "no workspace": {"none", reader, 404},
	} {
		if status, text := s.checkpoint(t, x.workspace, x.bearer); status != x.status {
			t.Errorf("%s: %d %s", name, status, text)
		}
		if status, _ := s.checkpoint(t, x.workspace, x.bearer, "?cosigned=true"); status != x.status && (status != http.StatusNotFound || x.status != http.StatusOK) {
			t.Errorf("%s, cosigned: %d", name, status) // no witness vouches for it
		}
	}
	for _, path := range []string{"/dev/log", "/dev/log/entries", "/dev/log/frontier"} {
		if r := s.call(t, "GET", apiRoot+path, stranger, nil); r.status != http.StatusForbidden {
			t.Errorf("%s: %v", path, r)
		}
		if r := s.call(t, "GET", apiRoot+path, reader, nil); r.status != http.StatusOK {
			t.Errorf("%s: %v", path, r)
		}
	}
	verifier, err := note.NewVerifier(log["verifier_key"].(string))
	if err != nil {
		t.Fatal(err)
	}
	_, text := s.checkpoint(t, "dev", reader)
	if checkpoint, err := evidence.OpenCheckpoint(text, verifier); err != nil || checkpoint.Origin != evidence.Origin(s.url+"/w/dev") {
		t.Errorf("%q: %+v, %v", text, checkpoint, err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.PublicCheckpoints = strings.TrimPrefix(s.url, "http://"), true
	s = start(t, c)
	if status, text := s.checkpoint(t, "dev", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
}
