package server

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
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
		notes, _ := s.call(t, "GET", apiRoot+"/dev/log", s.bearer(t), nil).body["cosigned"].([]any)
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
