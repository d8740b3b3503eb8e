package cli

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
	"github.com/nsc-federation/nsc/internal/failure"
)

// newWitnessedLab has a log of one event, whose checkpoint a witness cosigned.
func newWitnessedLab(t *testing.T) (*lab, witnesstest.Key) {
	t.Helper()
	l, w := newLab(t), witnesstest.NewKey("witness.example.com/w1")
	l.signIn(l.file("token.json"), "prod")
	private, public, err := note.GenerateKey(rand.Reader, "nsc.example.com/w/prod")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	event := `{"v":1,"id":"e","workspace_id":"prodid","kind":"trust.created"}`
	salt := [evidence.SaltSize]byte{1}
	leaf := evidence.Leaf(salt, []byte(event))
	text := evidence.Checkpoint{Origin: "nsc.example.com/w/prod", Size: 1, Root: leaf}.Text()
	checkpoint, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	answers := func(path string, value any) {
		body, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		l.nsc.answer("GET /api/v1/workspaces/prod"+path, 200, string(body))
	}
	answers("", map[string]string{"workspace_id": "prodid", "name": "prod", "issuer": "https://nsc.example.com/w/prod"})
	answers("/log", api.Log{
		Origin: "nsc.example.com/w/prod", VerifierKey: public, Size: 1, SignedSize: 1, Checkpoint: string(checkpoint),
		Cosigned: []string{string(checkpoint) + w.Cosign(text, noon)},
	})
	answers("/log/frontier", map[string]any{"hashes": []string{}})
	answers("/log/entries", map[string]any{"items": []evidence.Line{{ID: "e", Leaf: leaf, Salt: salt[:], Event: event}}})
	return l, w
}

func TestRule27AnExportHasWhatWitnessesCosigned(t *testing.T) {
	l, w := newWitnessedLab(t)
	export := l.write("prod.jsonl", l.ok("audit", "export"))
	other := witnesstest.NewKey("w2")
	file := l.write("witnesses", "\n"+w.Verifier()+"\n"+other.Verifier()+"\n")
	for name, x := range map[string]struct {
		args []string
		want []string
	}{
		"no key": {nil, []string{"unproved the export is consistent with itself only", "unproved whether witnesses vouch for it"}},
		"a key":  {[]string{"--witness-key", w.Verifier()}, []string{"proved   events up to 0 are those that witness.example.com/w1+", " vouched for at 2026-01-31T12:00:00Z\n"}},
		"a file": {[]string{"--witness-key", file}, []string{"proved   events up to 0 are those that witness.example.com/w1+", "unproved w2+"}},
		"two":    {[]string{"--witness-key", other.Verifier(), "--witness-key", w.Verifier()}, []string{"proved   events up to 0 are", "unproved w2+"}},
		"another": {[]string{"--witness-key", other.Verifier()},
			[]string{"unproved w2+", "unproved no witness vouches for these events: the export is consistent with itself only"}},
	} {
		out := l.ok(append([]string{"audit", "verify", export}, x.args...)...)
		for _, want := range x.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", name, want, out)
			}
		}
	}
	var report evidence.Report
	if err := json.Unmarshal([]byte(l.ok("audit", "verify", export, "--witness-key", file, "-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Witnessed) != 1 || report.Witnessed[0].Size != 1 || !report.Witnessed[0].Time.Equal(noon.Truncate(time.Second)) {
		t.Errorf("%+v", report.Witnessed)
	}
}

func TestWitnessKeysThatAreNone(t *testing.T) {
	l, w := newWitnessedLab(t)
	export := l.write("prod.jsonl", l.ok("audit", "export"))
	_, ofLog, err := note.GenerateKey(rand.Reader, "log")
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{
		"none":                      "open none: no such file or directory",
		l.write("empty", "\n"):      "has no key in it",
		l.write("words", "hello\n"): `--witness-key: "hello" is not a verifier key like`,
		"a+b":                       `--witness-key: "a+b" is not a verifier key like`,
		ofLog:                       "is the key of a log, not of a witness",
		w.Verifier()[:60]:           "--witness-key: ",
	} {
		l.fails(failure.Failed, want, "audit", "verify", export, "--witness-key", value)
	}
}
