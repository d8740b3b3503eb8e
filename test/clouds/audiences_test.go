package clouds

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A row of the table in docs/guide/audiences.md.
type audienceRow struct {
	audience  string
	algorithm string
	lasts     time.Duration
}

func audienceRows(t *testing.T) []audienceRow {
	t.Helper()
	var rows []audienceRow
	line := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| (\\w+) \\| (\\d\\w*) \\|")
	for _, found := range line.FindAllStringSubmatch(audiencesGuide.text(t), -1) {
		lasts, err := time.ParseDuration(found[3])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, audienceRow{found[1], found[2], lasts})
	}
	if len(rows) == 0 {
		t.Fatal("no table")
	}
	return rows
}

// Each audience of the table implies the algorithm and the lifetime that the table says.
func TestAudiencesImplyWhatTheTableSays(t *testing.T) {
	l := openLab(t)
	w := l.server.newWorkspace(t)
	admin := workload{cli: l.server.administrator(w)}
	for _, row := range audienceRows(t) {
		t.Run(row.audience, func(t *testing.T) {
			c := read(t, admin.issue(t, row.audience))
			lasts := time.Duration(c.ExpiresAt-c.IssuedAt) * time.Second
			most := min(row.lasts, admin.signedInUntil(t).Sub(time.Unix(c.IssuedAt, 0))) // to the second that has begun
			if c.Algorithm != row.algorithm || lasts > most || lasts < most-time.Second {
				t.Errorf("%s for %s, the table says %s for %s", c.Algorithm, lasts, row.algorithm, row.lasts)
			}
		})
	}
}

// The audiences of the guides, and so of the tests with the clouds' clients, are in the table.
func TestAudiencesOfTheGuidesAreInTheTable(t *testing.T) {
	known := map[string]bool{}
	for _, row := range audienceRows(t) {
		known[row.audience] = true
	}
	for _, audience := range []string{awsAudience, googleAudience, azureAudience, vaultAudience} {
		if !known[audience] {
			t.Errorf("%s is missing", audience)
		}
	}
}

// A grant admits to the audience that it names and to no other, whatever the guide.
func TestGuidesGrantOneAudience(t *testing.T) {
	for g, audience := range map[guide]string{
		awsGuide: awsAudience, googleGuide: googleAudience, azureGuide: azureAudience, vaultGuide: vaultAudience,
	} {
		t.Run(string(g), func(t *testing.T) {
			r := follow(t, g)
			r.deployer.issue(t, audience)
			for _, other := range []string{awsAudience, googleAudience, azureAudience, vaultAudience, audience + "/more", elsewhere} {
				if _, err := r.deployer.cli.output(t.Context(), "auth", "issue-id-token", "--audience", other); other != audience && err == nil {
					t.Errorf("a token for %s was issued", other)
				}
			}
		})
	}
}

// The grant that the page shows is one.
func TestAudiencesGrantIsAccepted(t *testing.T) {
	l := openLab(t)
	w := l.server.newWorkspace(t)
	grant := strings.TrimSpace(audiencesGuide.block(t, "grant"))
	if !json.Valid([]byte(grant)) {
		t.Fatal(grant)
	}
	l.server.administrator(w).run(t, "auth", "trust-relationships", "add", "--issuer", l.cluster.server.URL,
		"--subject-match", deployer, "--grant", grant)
}

// nsc-token-file signs in where nobody is signed in, and leaves one file that its user alone can read, without a line's
// end and good for half an hour. Where it fails, the file stays as it was.
func TestTokenFile(t *testing.T) {
	r := follow(t, awsGuide)
	r.installTokenFile(t)
	pod := r.newWorkload(t)
	run := func(audience string) error {
		cmd := exec.CommandContext(t.Context(), filepath.Join(r.dir, "bin", "nsc-token-file"), audience, filepath.Join(r.dir, "run", "token"))
		cmd.Env = pod.cli.env
		return cmd.Run()
	}
	var written string
	for range 2 {
		if err := run(awsAudience); err != nil {
			t.Fatal(err)
		}
		written = r.readFile(t, "run/token")
		if c := read(t, written); strings.HasSuffix(written, "\n") || c.Audience != awsAudience ||
			time.Until(time.Unix(c.ExpiresAt, 0)) < 29*time.Minute {
			t.Errorf("%q is for %s until %d", written, c.Audience, c.ExpiresAt)
		}
	}
	if err := run(elsewhere); err == nil {
		t.Error("a token was written for an audience that nobody granted")
	}
	files, err := os.ReadDir(filepath.Join(r.dir, "run"))
	if err != nil || len(files) != 1 || r.readFile(t, "run/token") != written {
		t.Errorf("%v, %v, or the file was changed", files, err)
	}
	if file, err := os.Stat(filepath.Join(r.dir, "run", "token")); err != nil || file.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", file, err)
	}
}
