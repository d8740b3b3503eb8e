package server

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/metrics"
)

// fullDisk lets no file of this process grow until the returned function is called. The system calls it EFBIG instead of
// ENOSPC, which no test can have without a file system of its own; the store tells its callers the same of both.
func fullDisk(t *testing.T) (space func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 0, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	space = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(space)
	return space
}

// readiness returns what /readyz answers.
func (r *running) readiness(t *testing.T) int {
	t.Helper()
	response, err := http.Get(r.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// becomes waits until /readyz answers so: an answer is given again for a second.
func (r *running) becomes(t *testing.T, want int) {
	t.Helper()
	late := time.After(30 * time.Second)
	for tick := time.Tick(50 * time.Millisecond); r.readiness(t) != want; {
		select {
		case <-tick:
		case <-late:
			t.Fatalf("readiness is not %d\n%s", want, r.logs)
		}
	}
}

// What cannot be recorded is not signed, and leaves no trace; the next request after there is space succeeds.
func TestRecordBeforeSignOnAFullDisk(t *testing.T) {
	c := devConfig(t)
	c.Database = "" // the disk is another process's where the database is
	s := start(t, c)
	form := exchangeForm(s.bearer(t), "requested_token_type", idTokenType, "audience", "https://api.example.com")
	trust := map[string]any{"issuer": "https://full.example", "subject_match": "repo:acme/api", "grants": []any{grant("workspace", "*", "read")}}
	bearer, issued := s.bearer(t), s.events(t, "token.issued")
	if ready := s.readiness(t); ready != http.StatusOK {
		t.Fatalf("at first: %d", ready)
	}

	space := fullDisk(t)
	for range 3 {
		status, answer := s.token(t, "/w/dev/token", form)
		if status != http.StatusServiceUnavailable || answer["code"] != "unavailable" || answer["access_token"] != nil || answer["refusal_id"] == nil {
			t.Errorf("full: %d %v\n%s", status, answer, s.logs)
		}
	}
	if status, answer := s.api(t, "POST", "/dev/trust-relationships", bearer, trust); status != http.StatusServiceUnavailable {
		t.Errorf("a trust on a full disk: %d %v", status, answer)
	}
	s.becomes(t, http.StatusServiceUnavailable)
	if _, who := s.api(t, "GET", "/dev/whoami", bearer, nil); who["workspace"] != "dev" {
		t.Errorf("what needs no record: %v", who)
	}

	space()
	s.becomes(t, http.StatusOK) // though nobody asks for a token
	if _, list := s.api(t, "GET", "/dev/trust-relationships", bearer, nil); len(list["items"].([]any)) != 0 {
		t.Errorf("a trust of a change that failed: %v", list)
	}
	if now := s.events(t, "token.issued"); now != issued {
		t.Errorf("%v tokens on the record, %v were issued", now, issued)
	}
	if status, answer := s.token(t, "/w/dev/token", form); status != http.StatusOK {
		t.Errorf("space: %d %v\n%s", status, answer, s.logs)
	}
	if now := s.events(t, "token.issued"); now != issued+1 {
		t.Errorf("%v tokens on the record, after %v and another", now, issued)
	}
}

// brokenLog fails while it has an error.
type brokenLog struct{ err error }

func (b *brokenLog) Append(_ context.Context, entries []audit.Entry) ([]audit.Outcome, error) {
	return make([]audit.Outcome, len(entries)), b.err
}

func TestReadinessFollowsTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &brokenLog{}
		tried, trouble := 0, error(nil)
		c := &commits{log: log, metrics: metrics.New(time.Now), try: func(context.Context) error {
			tried++
			return trouble
		}}
		commit := func(err error) {
			log.err = err
			if _, got := c.Append(t.Context(), make([]audit.Entry, 1)); got != err {
				t.Fatal(got)
			}
		}
		is := func(rule string, ready bool) {
			t.Helper()
			if err := c.ready(t.Context()); (err == nil) != ready {
				t.Errorf("%s: %v", rule, err)
			}
		}
		full := errors.New("full")
		is("a node that has committed nothing yet is ready", true)
		commit(full)
		trouble = full
		is("a commit failed", false)
		commit(nil)
		is("one succeeded after it", true)
		if tried != 1 {
			t.Errorf("tried %d times: who is ready need not try", tried)
		}
		commit(full)
		time.Sleep(time.Hour)
		is("long ago, and nothing can be written still", false)
		trouble = nil
		is("who is sent no requests sees by himself that the trouble is over", true)
		commit(full)
		c.try = func(context.Context) error {
			commit(full)
			return nil
		}
		is("it could be written", true)
		c.try = func(context.Context) error { return full }
		is("but a commit failed meanwhile", false)
	})
}
