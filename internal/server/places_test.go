package server

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
)

func TestRule27CheckpointsGoOutside(t *testing.T) {
	posted := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/secret-path" {
			t.Errorf("%s %s, %v", r.Method, r.URL, err)
		}
		posted <- string(text)
	}))
	defer hook.Close()
	c := devConfig(t)
	file, ofDev := filepath.Join(t.TempDir(), "checkpoints.txt"), filepath.Join(t.TempDir(), "dev.txt")
	c.Checkpoints = []Publication{{File: file}, {Webhook: hook.URL + "/secret-path"}, {File: ofDev, Workspaces: []string{"dev", "later"}}}
	c.CheckpointEvery = time.Second
	s := start(t, c)
	log := s.signedLog(t)
	origin := log["origin"].(string)
	want := func(list []string) bool {
		for _, note := range list {
			if strings.HasPrefix(note, origin+"\n") {
				return true
			}
		}
		return false
	}
	deadline, seen, text := time.After(time.Minute), []string(nil), ""
	for !want(seen) || !want(evidence.SplitNotes(text)) {
		select {
		case note := <-posted:
			seen = append(seen, note)
		case <-deadline:
			t.Fatalf("posted %q, written %q\n%s", seen, text, s.logs)
		case <-time.After(20 * time.Millisecond):
		}
		content, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		text = string(content)
	}
	for name, outside := range map[string]string{"file": text, "webhook": strings.Join(seen, "\n")} {
		r := verifies(t, evidence.Input{Export: strings.NewReader(s.exported(t, 0)), Outside: outside, Key: log["verifier_key"].(string)})
		if !strings.Contains(strings.Join(r.Proved, "\n"), "of a checkpoint that was kept outside") {
			t.Errorf("%s: %v, %v", name, r.Proved, r.Unproved)
		}
	}
	var alone []byte
	s.until(t, "the file of one workspace is written", func() bool {
		var err error
		alone, err = os.ReadFile(ofDev)
		return err == nil && len(alone) > 0
	})
	for _, note := range evidence.SplitNotes(string(alone)) {
		if !strings.HasPrefix(note, origin+"\n") {
			t.Errorf("it is of another workspace: %q", note)
		}
	}
	if strings.Contains(s.logs.String(), "secret-path") {
		t.Error("the webhook's path, which may be a secret, is in the log")
	}
}

// Rule 35: webhooks go through the one dialer. nsc server calls no address of its own network unless it is listed, follows
// no redirect, and shows nobody the URL.
func TestRule35WebhooksAreDialledLikeEverythingElse(t *testing.T) {
	status := http.StatusOK
	hook := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	hook.Config.ErrorLog = nil
	defer hook.Close()
	c := serverConfig(t)
	h := audit.LogHead{Checkpoint: "note"}
	place := c.place(Publication{Webhook: hook.URL + "/secret-path"}, nil)
	if err := place.Publish(t.Context(), h); err == nil || !strings.Contains(err.Error(), "not one that may be called") {
		t.Errorf("%v", err)
	}
	c.Issuers = []Reach{{Workspace: "system", CIDR: "127.0.0.0/8"}}
	place = c.place(Publication{Webhook: hook.URL + "/secret-path"}, nil)
	if err := place.Publish(t.Context(), h); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("listed, but not trusted: %v", err)
	}
	plain := httptest.NewServer(hook.Config.Handler)
	defer plain.Close()
	place = devConfig(t).place(Publication{Webhook: plain.URL + "/secret-path"}, nil)
	for _, status = range []int{http.StatusOK, http.StatusNoContent, http.StatusFound, http.StatusTemporaryRedirect, http.StatusForbidden, http.StatusInternalServerError} {
		if err := place.Publish(t.Context(), h); (err == nil) != (status < 300) || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", status, err)
		}
	}
	plain.Close()
	if err := place.Publish(t.Context(), h); err == nil || strings.Contains(err.Error()+place.Name(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestCheckpointPlacesAreChecked(t *testing.T) {
	key := witnesstest.NewKey("w1").Verifier()
	_, ofLog, err := note.GenerateKey(rand.Reader, "nsc.example.com/w/acme")
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		place Publication
		every time.Duration
		dev   bool
		want  string
	}{
		"a witness":              {Publication{Witness: "https://w.example.com", WitnessKey: key}, time.Second, false, ""},
		"a witness, dev":         {Publication{Witness: "http://127.0.0.1:1/x", WitnessKey: key}, time.Second, true, ""},
		"a witness without key":  {Publication{Witness: "https://w.example.com"}, time.Second, false, "witness needs witness_key"},
		"a key without witness":  {Publication{WitnessKey: key}, time.Second, false, "witness_key needs witness"},
		"a file with a key":      {Publication{File: "/x", WitnessKey: key}, time.Second, false, "witness_key needs witness"},
		"a witness and a file":   {Publication{File: "/x", Witness: "https://w.example.com", WitnessKey: key}, time.Second, false, "needs one of file"},
		"a witness over HTTP":    {Publication{Witness: "http://w.example.com", WitnessKey: key}, time.Second, false, "witness must be a URL like"},
		"a witness with a query": {Publication{Witness: "https://w.example.com/?x=1", WitnessKey: key}, time.Second, false, "witness must be a URL like"},
		"a damaged key":          {Publication{Witness: "https://w.example.com", WitnessKey: key[:len(key)-4]}, time.Second, false, "is not whole"},
		"no key at all":          {Publication{Witness: "https://w.example.com", WitnessKey: "x"}, time.Second, false, `checkpoints[0]: witness_key "x" is not a verifier key like`},
		"the key of a log":       {Publication{Witness: "https://w.example.com", WitnessKey: ofLog}, time.Second, false, "is the key of a log"},
		"nothing":                {Publication{}, time.Second, false, "checkpoints[0]: needs one of file, webhook and witness"},
		"both":                   {Publication{File: "/x", Webhook: "https://example.com"}, time.Second, false, "needs one of file, webhook and witness"},
		"a relative path":        {Publication{File: "x"}, time.Second, false, "must be an absolute path"},
		"plain HTTP":             {Publication{Webhook: "http://example.com/x"}, time.Second, false, "https://"},
		"no URL":                 {Publication{Webhook: "example.com"}, time.Second, false, "https://"},
		"a password":             {Publication{Webhook: "https://a:b@example.com/"}, time.Second, false, "https://"},
		"too often":              {Publication{File: "/x"}, time.Second / 2, false, "checkpoint_every: 500ms is too short"},
		"a file":                 {Publication{File: "/x"}, time.Second, false, ""},
		"of a workspace":         {Publication{File: "/x", Workspaces: []string{"prod"}}, time.Second, false, ""},
		"of no workspace":        {Publication{File: "/x", Workspaces: []string{"prod", "Pr/d"}}, time.Second, false, `checkpoints[0]: workspaces[1]: "Pr/d" is not`},
		"a webhook":              {Publication{Webhook: "https://example.com/x"}, time.Second, false, ""},
		"plain HTTP, dev":        {Publication{Webhook: "http://127.0.0.1/x"}, time.Second, true, ""},
		"another, in dev":        {Publication{Webhook: "ftp://127.0.0.1/x"}, time.Second, true, "https://"},
	} {
		c := serverConfig(t)
		c.Dev, c.Checkpoints, c.CheckpointEvery = x.dev, []Publication{x.place}, x.every
		err := c.Check()
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPlaceIsNamedOnce(t *testing.T) {
	c, key := serverConfig(t), witnesstest.NewKey("w1").Verifier()
	c.Checkpoints = []Publication{
		{Witness: "https://a.example.com", WitnessKey: witnesstest.NewKey("w1").Verifier()},
		{Witness: "https://a.example.com", WitnessKey: key}, {Witness: "https://b.example.com", WitnessKey: key},
	}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "checkpoints[2]: witness w1+") || !strings.Contains(err.Error(), "is named twice") {
		t.Errorf("%v", err)
	}
	c.Checkpoints = []Publication{{File: "/x", Workspaces: []string{"a"}}, {File: "/x", Workspaces: []string{"b"}}}
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "checkpoints[1]: file /x is named twice") {
		t.Errorf("%v", err)
	}
}

func TestRule25RetentionIsLongerThanTokensLive(t *testing.T) {
	for age, ok := range map[time.Duration]bool{0: true, time.Hour: false, leastRetention - 1: false, leastRetention: true, -1: false} {
		c := serverConfig(t)
		if c.RecordRetention = age; (c.Check() == nil) != ok {
			t.Errorf("%s: %v", age, c.Check())
		}
	}
}
