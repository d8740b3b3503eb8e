package server

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

func witnessKey(t *testing.T, k witnesstest.Key) evidence.WitnessKey {
	t.Helper()
	key, err := evidence.ParseWitnessKey(k.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// until waits until a condition holds.
func (s *running) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.After(time.Minute); !holds(); {
		select {
		case <-deadline:
			t.Fatalf("%s: never\n%s", what, s.logs)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// witnessed starts a server that has its log cosigned.
func witnessed(t *testing.T) (s *running, c Config, w *witnesstest.Witness, origin string) {
	t.Helper()
	w = witnesstest.New("witness.example.com/w1")
	hook := httptest.NewServer(w)
	t.Cleanup(hook.Close)
	c = devConfig(t)
	c.Checkpoints, c.CheckpointEvery = []Publication{{Witness: hook.URL + "/secret-path/", WitnessKey: w.Verifier()}}, time.Second
	s = start(t, c)
	log := s.signedLog(t)
	w.Enter(log["verifier_key"].(string))
	origin = log["origin"].(string)
	s.until(t, "the witness vouches", func() bool { return w.Size(origin) > 0 })
	return s, c, w, origin
}

func TestRule27AWitnessVouchesForTheLog(t *testing.T) {
	s, _, w, origin := witnessed(t)
	first := w.Size(origin)
	for range 5 {
		s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	}
	log := s.signedLog(t)
	size := int64(log["signed_size"].(float64))
	s.until(t, "it vouches for what came after, by a proof", func() bool { return w.Size(origin) == size && first < size })
	s.until(t, "the cosignature is kept", func() bool {
		notes := s.cosigned(t)
		return len(notes) == 1 && strings.HasPrefix(notes[0].(string), log["checkpoint"].(string)+"— witness.example.com/w1 ")
	})
	key := witnessKey(t, w.Key)
	r := verifies(t, evidence.Input{Export: strings.NewReader(s.exported(t, 0)), Key: log["verifier_key"].(string), Witnesses: []evidence.WitnessKey{key}})
	if len(r.Witnessed) != 1 || r.Witnessed[0].Size != size || time.Since(r.Witnessed[0].Time).Abs() > time.Hour || len(r.Unproved) != 0 {
		t.Errorf("%+v", r)
	}
	for _, query := range []string{"", "?cosigned=true"} {
		_, text := s.checkpoint(t, "dev", s.bearer(t), query)
		if !strings.Contains(text, "\n— witness.example.com/w1 ") || !strings.HasPrefix(text, origin+"\n") {
			t.Errorf("%q: %q", query, text)
		}
	}
	if !strings.Contains(s.logs.String(), "class=unknown_log") { // of the workspace system, whose log nobody entered
		t.Errorf("nothing says that the witness does not know a log\n%s", s.logs)
	}
	if strings.Contains(s.logs.String(), "secret-path") {
		t.Error("the witness's path, which may be a secret, is in the log")
	}
}

// cosigned returns the cosigned checkpoints of the log.
func (s *running) cosigned(t *testing.T) []any {
	t.Helper()
	notes, _ := s.call(t, "GET", apiRoot+"/dev/log", s.bearer(t), nil).body["cosigned"].([]any)
	return notes
}

// Rules 27 and 30: cosignatures move with the installation, and a copy that lacks what was recorded after it was made is
// found out by the witness.
func TestRule27AWitnessSeesThatACopyWasRestored(t *testing.T) {
	s, c, w, origin := witnessed(t)
	stop := func() {
		t.Helper()
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
	c.Listen, c.MetricsListen = strings.TrimPrefix(s.url, "http://"), freeAddress(t)
	s.until(t, "a cosignature is kept", func() bool { return len(s.cosigned(t)) == 1 })
	stop()
	copied := bytes.Buffer{}
	onDatabase(t, c, func(db *store.Store) error {
		_, err := export(t.Context(), db, &copied)
		return err
	})
	s = start(t, c)
	for range 10 {
		s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	}
	size := int64(s.signedLog(t)["signed_size"].(float64))
	s.until(t, "the witness vouches for all", func() bool { return w.Size(origin) == size })
	stop()

	if c.Database == "" {
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(c.sqliteFile() + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	} else {
		c.Database = pgtest.Database(t)
	}
	onDatabase(t, c, func(db *store.Store) error {
		_, err := db.Import(t.Context(), &copied, func(store.Installation) error { return nil }, func(systemID string) audit.Entry {
			recorder := audit.NewRecorder(db, time.Now)
			defer recorder.Close()
			return recorder.Entry(installationEvent(audit.InstallationImported, systemID))
		})
		return err
	})
	s = start(t, c)
	if notes := s.cosigned(t); len(notes) != 1 {
		t.Fatalf("the cosigned checkpoint did not move: %v", notes)
	}
	s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	s.until(t, "the log was rolled back", func() bool { return strings.Contains(s.logs.String(), "class=rolled_back") })
	for s.signedLog(t)["signed_size"].(float64) <= float64(size) {
		s.token(t, "/w/dev/token", exchangeForm(s.bearer(t)))
	}
	s.until(t, "the log is another", func() bool { return strings.Contains(s.logs.String(), "class=inconsistent") })
	text := get(t, "http://"+c.MetricsListen, "/metrics")
	for _, series := range []string{`witness_failures_total{class="rolled_back"}`, `witness_failures_total{class="inconsistent"}`,
		`publications_total{place="witness",result="failed"}`} {
		if !regexp.MustCompile(`nsc_log_` + regexp.QuoteMeta(series) + ` [1-9]`).MatchString(text) {
			t.Errorf("it is not counted: %s", series)
		}
	}
	if !strings.Contains(s.logs.String(), "level=ERROR") {
		t.Errorf("it is no alarm:\n%s", s.logs)
	}
	if w.Size(origin) != size {
		t.Error("the witness was talked out of what it knew")
	}
}

// onDatabase does something with the database of a server that does not run.
func onDatabase(t *testing.T, c Config, do func(*store.Store) error) {
	t.Helper()
	db, err := openStore(t.Context(), c, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(db), db.Close()); err != nil {
		t.Fatal(err)
	}
}
