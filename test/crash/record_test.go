package crash

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// event is what these tests look at in an event of the record.
type event struct {
	ID, Kind   string
	Unreadable bool
	Token      struct {
		Hash string `json:"payload_sha256"`
	}
	Upstream struct {
		TokenID string `json:"token_id"`
	}
}

// events returns the events of the workspace from a moment on, by their IDs.
func (i *installation) events(t *testing.T, since time.Time) map[string]event {
	t.Helper()
	found := map[string]event{}
	path := "/events?limit=1000&since=" + since.UTC().Format(time.RFC3339)
	for before := ""; ; {
		var page struct {
			Items []event
			Next  string
		}
		i.api(t, "GET", path+"&before="+before, nil, &page)
		for _, e := range page.Items {
			if _, twice := found[e.ID]; twice || e.Unreadable {
				t.Errorf("event %s is there twice, or cannot be read: %+v", e.ID, e)
			}
			found[e.ID] = e
		}
		if before = page.Next; before == "" {
			return found
		}
	}
}

// recorded says that each of these tokens (the hashes of their claims by jti) is on the record, with what it claims.
func recorded(t *testing.T, tokens map[string]string, record map[string]event) {
	t.Helper()
	for id, hash := range tokens {
		if e := record[id]; e.Kind != "token.issued" || e.Token.Hash != hash {
			t.Errorf("somebody has the token %s with claims of hash %s; on the record is %+v", id, hash, e)
		}
	}
}

// consistent says that the record is whole: everything that it promises to whoever holds it against itself is checked
// here. No caller may be under way.
func (i *installation) consistent(t *testing.T, got *received) {
	t.Helper()
	i.unpacked(t)
	record := i.events(t, time.Unix(0, 0))
	recorded(t, got.hashes, record)
	brought := map[string]string{}
	for id, e := range record {
		if got.uses[e.Upstream.TokenID] == nil || e.Kind != "token.issued" {
			continue
		}
		if first, twice := brought[e.Upstream.TokenID]; twice {
			t.Errorf("the token of single use %s brought both %s and %s", e.Upstream.TokenID, first, id)
		}
		brought[e.Upstream.TokenID] = id
	}
	if i.driver == "sqlite" {
		var verdict string
		if err := i.look(t).QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("the database: %s %v", verdict, err)
		}
	}
	i.extends(t)
	i.clean(t)
}

// extends says that the log is what its checkpoint was signed for, and goes on from what it was at the last time: no
// crash takes back what was published.
func (i *installation) extends(t *testing.T) {
	t.Helper()
	now := filepath.Join(t.TempDir(), "export.jsonl")
	text, err := i.nsc("audit", "export")
	for end := time.Now().Add(time.Minute); err != nil && strings.Contains(err.Error(), "no checkpoint yet") && time.Now().Before(end); {
		<-time.After(100 * time.Millisecond) // one is signed within a second
		text, err = i.nsc("audit", "export")
	}
	if err == nil {
		err = os.WriteFile(now, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	files := []string{now}
	if i.export != "" {
		files = append(files, i.export)
	}
	if said, err := i.nsc(append([]string{"audit", "verify"}, files...)...); err != nil {
		t.Errorf("the log: %v\n%s", err, said)
	}
	i.export = now
}

// nsc runs a command as the administrator, and returns what it prints.
func (i *installation) nsc(words ...string) ([]byte, error) {
	cmd := exec.Command(i.program, words...)
	cmd.Env = []string{"HOME=" + i.folder, "NSC_TOKEN_FILE=" + filepath.Join(i.folder, "administrator.json")}
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("nsc %s: %w\n%s", strings.Join(words, " "), err, failed.Stderr)
	}
	return out, err
}

// unpacked waits until the queue is empty.
func (i *installation) unpacked(t *testing.T) {
	t.Helper()
	db := i.look(t)
	for tick := time.Tick(20 * time.Millisecond); ; <-tick {
		var rows int
		if err := db.QueryRow("SELECT count(*) FROM queue").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows == 0 {
			return
		}
	}
}

// forgetLeases lets the next server unpack the queue at once, so that most rounds interrupt that, too. Without it the
// lease of the server that was killed would have to end first.
func (i *installation) forgetLeases(t *testing.T) {
	t.Helper()
	db := i.look(t)
	defer db.Close()
	if _, err := db.Exec("DELETE FROM leases"); err != nil {
		t.Fatal(err)
	}
}
