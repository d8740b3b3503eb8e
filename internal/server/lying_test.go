package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/evidence/witnesstest"
)

const memoryOrigin = "nsc.example.com/w/acme"

// memoryLog is a log in memory, and what is kept of its witnesses.
type memoryLog struct {
	signer note.Signer
	key    string
	stored []tlog.Hash // as tlog.StoredHashes has them
	size   int64
	mu     sync.Mutex
	kept   []audit.Cosignature
}

func newMemoryLog(t *testing.T, events int64) *memoryLog {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, memoryOrigin)
	if err != nil {
		t.Fatal(err)
	}
	l := &memoryLog{key: public}
	if l.signer, err = note.NewSigner(private); err != nil {
		t.Fatal(err)
	}
	l.grow(events, "")
	return l
}

// grow adds events; another salt makes other ones.
func (l *memoryLog) grow(events int64, salt string) {
	for range events {
		hashes, err := tlog.StoredHashes(l.size, fmt.Append(nil, salt, l.size), l.reader())
		if err != nil {
			panic(err)
		}
		l.stored = append(l.stored, hashes...)
		l.size++
	}
}

func (l *memoryLog) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return l.LogHashes(context.Background(), "", indexes) })
}

func (l *memoryLog) LogHashes(_ context.Context, _ string, indexes []int64) (list []tlog.Hash, err error) {
	for _, i := range indexes {
		list = append(list, l.stored[i])
	}
	return list, nil
}

// head is the newest checkpoint.
func (l *memoryLog) head() audit.LogHead {
	root, err := tlog.TreeHash(l.size, l.reader())
	if err != nil {
		panic(err)
	}
	c := evidence.Checkpoint{Origin: memoryOrigin, Size: l.size, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.signer)
	if err != nil {
		panic(err)
	}
	return audit.LogHead{WorkspaceID: "acme-id", Workspace: "acme", Size: l.size, Root: root, SignedSize: l.size, Checkpoint: string(signed)}
}

func (l *memoryLog) LogHead(context.Context, string) (audit.LogHead, error) {
	return l.head(), nil
}

func (l *memoryLog) Cosignatures(context.Context, string) ([]audit.Cosignature, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept, nil
}

func (l *memoryLog) KeepCosignature(_ context.Context, c audit.Cosignature) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = []audit.Cosignature{c}
	return nil
}

// answers is a witness that gives one answer after the other, and the last for ever.
type answers struct {
	list  []func(http.ResponseWriter, string)
	mu    sync.Mutex
	asked []string // the first line of each request
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	first, _, _ := strings.Cut(string(body), "\n")
	a.mu.Lock()
	a.asked = append(a.asked, first)
	answer := a.list[min(len(a.asked), len(a.list))-1]
	a.mu.Unlock()
	_, checkpoint, _ := strings.Cut(string(body), "\n\n")
	text, _, _ := strings.Cut(checkpoint, "\n\n")
	answer(w, text+"\n")
}

func (a *answers) questions() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.asked, ", ")
}

// What witnesses do that are wrong, broken or evil. None of it is believed, all of it has its name, and nothing makes us
// ask for ever.
func TestRule27AWitnessThatLies(t *testing.T) {
	w, other := witnesstest.NewKey("witness.example.com/w1"), witnesstest.NewKey("witness.example.com/w1")
	says := func(status int, text string) func(http.ResponseWriter, string) {
		return func(rw http.ResponseWriter, _ string) {
			rw.Header().Set("Location", "/elsewhere/add-checkpoint")
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, text)
		}
	}
	cosigns := func(k witnesstest.Key, of func(string) string) func(http.ResponseWriter, string) {
		return func(rw http.ResponseWriter, text string) { _, _ = io.WriteString(rw, k.Cosign(of(text), time.Now())) }
	}
	endless := func(rw http.ResponseWriter, _ string) {
		for err := error(nil); err == nil; {
			_, err = io.WriteString(rw, strings.Repeat("— w AAAAAAAA\n", 1000))
		}
	}
	honest := cosigns(w, func(text string) string { return text })
	for name, x := range map[string]struct {
		list  []func(http.ResponseWriter, string)
		class audit.Class // "" is success
		asked string
	}{
		"honest":                    {[]func(http.ResponseWriter, string){honest}, "", "old 0"},
		"another key of its name":   {[]func(http.ResponseWriter, string){cosigns(other, func(text string) string { return text })}, audit.BadAnswer, "old 0"},
		"another checkpoint signed": {[]func(http.ResponseWriter, string){cosigns(w, func(text string) string { return text + "more\n" })}, audit.BadAnswer, "old 0"},
		"an empty answer":           {[]func(http.ResponseWriter, string){says(200, "")}, audit.BadAnswer, "old 0"},
		"garbage":                   {[]func(http.ResponseWriter, string){says(200, "\x00\xff— <html>")}, audit.BadAnswer, "old 0"},
		"a huge body": {[]func(http.ResponseWriter, string){endless},
			audit.BadAnswer, "old 0"},
		"a redirect":            {[]func(http.ResponseWriter, string){says(302, "")}, audit.BadAnswer, "old 0"},
		"a lasting redirect":    {[]func(http.ResponseWriter, string){says(308, "")}, audit.BadAnswer, "old 0"},
		"accepted, for later":   {[]func(http.ResponseWriter, string){says(202, "")}, audit.BadAnswer, "old 0"},
		"unknown log":           {[]func(http.ResponseWriter, string){says(404, "")}, audit.UnknownLog, "old 0"},
		"unknown key":           {[]func(http.ResponseWriter, string){says(403, "")}, audit.UnknownKey, "old 0"},
		"bad request":           {[]func(http.ResponseWriter, string){says(400, "")}, audit.BadRequest, "old 0"},
		"not extended":          {[]func(http.ResponseWriter, string){says(422, "")}, audit.Inconsistent, "old 0"},
		"too many requests":     {[]func(http.ResponseWriter, string){says(429, "")}, audit.Unavailable, "old 0"},
		"broken":                {[]func(http.ResponseWriter, string){says(500, "")}, audit.Unavailable, "old 0"},
		"away":                  {[]func(http.ResponseWriter, string){says(503, "")}, audit.Unavailable, "old 0"},
		"gone while it answers": {[]func(http.ResponseWriter, string){func(http.ResponseWriter, string) { panic(http.ErrAbortHandler) }}, audit.Unreachable, "old 0"},

		"knows it already":             {[]func(http.ResponseWriter, string){says(409, "7\n"), honest}, "", "old 0, old 7"},
		"knows all of it":              {[]func(http.ResponseWriter, string){says(409, "10\n"), honest}, "", "old 0, old 10"},
		"knows others of this size":    {[]func(http.ResponseWriter, string){says(409, "10\n")}, audit.Inconsistent, "old 0, old 10"},
		"a size larger than ours":      {[]func(http.ResponseWriter, string){says(409, "11\n"), honest}, audit.RolledBack, "old 0"},
		"the largest size":             {[]func(http.ResponseWriter, string){says(409, "9223372036854775807\n"), honest}, audit.RolledBack, "old 0"},
		"a conflict without a size":    {[]func(http.ResponseWriter, string){says(409, "no"), honest}, audit.BadAnswer, "old 0"},
		"a conflict with what it knew": {[]func(http.ResponseWriter, string){says(409, "0\n"), honest}, audit.BadAnswer, "old 0"},
		"another size each time":       {[]func(http.ResponseWriter, string){says(409, "7\n"), says(409, "8\n")}, audit.BadAnswer, "old 0, old 7"},
		"a conflict, then garbage":     {[]func(http.ResponseWriter, string){says(409, "7\n"), says(200, "x")}, audit.BadAnswer, "old 0, old 7"},
	} {
		t.Run(name, func(t *testing.T) {
			l, a := newMemoryLog(t, 10), &answers{list: x.list}
			server := httptest.NewServer(a)
			defer server.Close()
			place := devConfig(t).place(Publication{Witness: server.URL + "/secret", WitnessKey: w.Verifier()}, l)
			err := place.Publish(t.Context(), l.head())
			var declined *audit.Declined
			if errors.As(err, &declined) != (x.class != "") || declined != nil && declined.Class != x.class {
				t.Errorf("%v", err)
			}
			if name == "a huge body" && !strings.Contains(fmt.Sprint(err), "more than 65536 bytes") {
				t.Errorf("%v", err)
			}
			if got := a.questions(); got != x.asked {
				t.Errorf("it was asked %q", got)
			}
			if (len(l.kept) == 1) != (x.class == "") || err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%v kept, %v", l.kept, err)
			}
		})
	}
}

// Another node may be faster: what it did is no rolled back log, and is not done twice.
func TestRule27AnotherNodeIsFaster(t *testing.T) {
	l, w := newMemoryLog(t, 10), witnesstest.New("w1")
	w.Enter(l.key)
	server := httptest.NewServer(w)
	defer server.Close()
	place := devConfig(t).place(Publication{Witness: server.URL, WitnessKey: w.Verifier()}, l)
	publish := func(h audit.LogHead, size int64) {
		t.Helper()
		if err := place.Publish(t.Context(), h); err != nil || w.Size(memoryOrigin) != size || len(l.kept) != 1 || l.kept[0].Size != size {
			t.Errorf("%v: the witness has %d, %v is kept", err, w.Size(memoryOrigin), l.kept)
		}
	}
	first := l.head()
	publish(first, 10)
	l.grow(300, "")
	publish(l.head(), 310)
	publish(first, 310) // which it has
	l.kept = nil        // by another database's copy
	old := l.head()
	l.grow(5, "")
	if err := place.Publish(t.Context(), l.head()); err != nil {
		t.Fatal(err)
	}
	l.kept = nil
	publish(old, 315) // the head is read again, where the witness has more
	w.Forget(memoryOrigin)
	l.grow(1, "")
	publish(l.head(), 316) // a witness that lost its state begins anew
}

// A log that was restored from a copy, or rewritten, is what a witness is there for.
func TestRule27ALogThatLostItsEnd(t *testing.T) {
	l, w := newMemoryLog(t, 10), witnesstest.New("w1")
	w.Enter(l.key)
	server := httptest.NewServer(w)
	defer server.Close()
	place := devConfig(t).place(Publication{Witness: server.URL, WitnessKey: w.Verifier()}, l)
	if err := place.Publish(t.Context(), l.head()); err != nil {
		t.Fatal(err)
	}
	copied := &memoryLog{signer: l.signer, key: l.key}
	copied.grow(6, "")
	place = devConfig(t).place(Publication{Witness: server.URL, WitnessKey: w.Verifier()}, copied)
	for size, class := range map[int64]audit.Class{6: audit.RolledBack, 9: audit.RolledBack, 10: audit.Inconsistent, 20: audit.Inconsistent} {
		copied.size, copied.stored = 0, nil
		copied.grow(6, "")
		copied.grow(size-6, "others")
		var declined *audit.Declined
		if err := place.Publish(t.Context(), copied.head()); !errors.As(err, &declined) || declined.Class != class || !declined.Alarms() || len(copied.kept) != 0 {
			t.Errorf("%d events: %v, %v", size, err, copied.kept)
		}
	}
	if w.Size(memoryOrigin) != 10 {
		t.Error("the witness was talked out of what it knew")
	}
}

// Rule 35: witnesses are called by the one dialer.
func TestRule35WitnessesAreDialledLikeEverythingElse(t *testing.T) {
	l, w := newMemoryLog(t, 10), witnesstest.New("w1")
	w.Enter(l.key)
	server := httptest.NewUnstartedServer(w)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that are given up
	server.StartTLS()
	defer server.Close()
	c := serverConfig(t)
	for name, x := range map[string]struct {
		listed []Reach
		want   string
	}{
		"not listed":              {nil, "not one that may be called"},
		"listed, but not trusted": {[]Reach{{Workspace: "system", CIDR: "127.0.0.0/8"}}, "certificate"},
		"listed for a workspace":  {[]Reach{{Workspace: "acme", CIDR: "127.0.0.0/8"}}, "not one that may be called"},
	} {
		c.Issuers = x.listed
		err := c.place(Publication{Witness: server.URL + "/secret", WitnessKey: w.Verifier()}, l).Publish(t.Context(), l.head())
		var declined *audit.Declined
		if !errors.As(err, &declined) || declined.Class != audit.Unreachable || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
