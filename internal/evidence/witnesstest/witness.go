// Package witnesstest is a witness for tests that is as strict as C2SP tlog-witness lets it be: it believes nothing that it
// is sent, remembers the newest checkpoint of each log that it cosigned, and never cosigns another log of that name. It
// reads what it is sent by its own code, and checks proofs with package tlog, so that it agrees with nsc by no mistake
// that both share.
package witnesstest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Key is a witness's private key with its name.
type Key struct {
	Name    string
	private ed25519.PrivateKey
}

// NewKey makes a key.
func NewKey(name string) Key {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return Key{name, private}
}

// typed returns the public key behind the byte of its algorithm, cosignature/v1.
func (k Key) typed() []byte { return append([]byte{4}, k.private.Public().(ed25519.PublicKey)...) }

func (k Key) hash() []byte {
	sum := sha256.Sum256(append([]byte(k.Name+"\n"), k.typed()...))
	return sum[:4]
}

// Verifier returns the verifier key, as C2SP signed-note has it.
func (k Key) Verifier() string {
	return fmt.Sprintf("%s+%x+%s", k.Name, k.hash(), base64.StdEncoding.EncodeToString(k.typed()))
}

// Cosign returns the line that says that the key vouches for a checkpoint's text, as of a time.
func (k Key) Cosign(text string, at time.Time) string {
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at.Unix(), text)
	sig := binary.BigEndian.AppendUint64(k.hash(), uint64(at.Unix()))
	sig = append(sig, ed25519.Sign(k.private, []byte(message))...)
	return "— " + k.Name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// Witness is an HTTP handler below whose URL add-checkpoint is.
type Witness struct {
	Key
	mu   sync.Mutex
	logs map[string]*log // by origin
}

// log is what the witness knows of a log.
type log struct {
	verifier note.Verifier
	size     int64
	root     tlog.Hash
}

// New returns a witness that knows no log yet.
func New(name string) *Witness { return &Witness{Key: NewKey(name), logs: map[string]*log{}} }

// Enter enters a log by its verifier key, whose name is the log's origin.
func (w *Witness) Enter(verifierKey string) {
	v, err := note.NewVerifier(verifierKey)
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[v.Name()] = &log{verifier: v}
}

// Size returns how much of a log the witness vouches for.
func (w *Witness) Size(origin string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.logs[origin]; l != nil {
		return l.size
	}
	return 0
}

// Forget has the witness begin anew with a log, as one does that lost its state.
func (w *Witness) Forget(origin string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[origin].size, w.logs[origin].root = 0, tlog.Hash{}
}

// ServeHTTP answers add-checkpoint.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.Error(rw, "no such call", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(rw, "no body", http.StatusBadRequest)
		return
	}
	status, contentType, text := w.add(string(body))
	rw.Header().Set("Content-Type", contentType)
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, text) // the client went away
}

const plain = "text/plain; charset=utf-8"

// add is add-checkpoint: everything is checked and kept under one lock, as the specification demands.
func (w *Witness) add(body string) (status int, contentType, text string) {
	q, err := parse(body)
	if err != nil {
		return http.StatusBadRequest, plain, err.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logs[q.origin]
	if l == nil {
		return http.StatusNotFound, plain, "unknown log"
	}
	if _, err := note.Open([]byte(q.checkpoint), note.VerifierList(l.verifier)); err != nil {
		return http.StatusForbidden, plain, err.Error()
	}
	switch {
	case q.old > q.size:
		return http.StatusBadRequest, plain, "the old size is larger than the new one"
	case q.old != l.size:
		return http.StatusConflict, "text/x.tlog.size", fmt.Sprintf("%d\n", l.size)
	case q.old == q.size && q.old > 0 && q.root != l.root:
		return http.StatusConflict, "text/x.tlog.size", fmt.Sprintf("%d\n", l.size)
	case !q.extends(l):
		return http.StatusUnprocessableEntity, plain, "the proof does not verify"
	}
	l.size, l.root = q.size, q.root
	return http.StatusOK, plain, w.Cosign(q.text, time.Now())
}

// request is what add-checkpoint was sent.
type request struct {
	old        int64
	proof      tlog.TreeProof
	checkpoint string // the note
	text       string // its body
	origin     string
	size       int64
	root       tlog.Hash
}

func (q request) extends(l *log) bool {
	if q.old == 0 {
		return len(q.proof) == 0
	}
	return tlog.CheckTree(q.proof, q.size, q.root, l.size, l.root) == nil
}

func parse(body string) (q request, err error) {
	head, checkpoint, ok := strings.Cut(body, "\n\n")
	if !ok || !strings.HasSuffix(checkpoint, "\n") {
		return q, fmt.Errorf("no empty line, or no newline at the end")
	}
	lines := strings.Split(head, "\n")
	old, ok := strings.CutPrefix(lines[0], "old ")
	if q.old, err = decimal(old); !ok || err != nil {
		return q, fmt.Errorf("not an old size: %q", lines[0])
	}
	if len(lines) > 64 {
		return q, fmt.Errorf("%d lines of proof", len(lines)-1)
	}
	for _, line := range lines[1:] {
		h, err := hash(line)
		if err != nil {
			return q, err
		}
		q.proof = append(q.proof, h)
	}
	q.checkpoint = checkpoint
	return q, q.parseCheckpoint()
}

func (q *request) parseCheckpoint() (err error) {
	text, _, ok := strings.Cut(q.checkpoint, "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) < 3 || lines[0] == "" {
		return fmt.Errorf("not a checkpoint: %q", q.checkpoint)
	}
	q.text, q.origin = text+"\n", lines[0]
	if q.size, err = decimal(lines[1]); err != nil {
		return err
	}
	q.root, err = hash(lines[2])
	return err
}

func decimal(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("not a size: %q", text)
	}
	return n, nil
}

func hash(line string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(line)
	if err != nil || len(b) != tlog.HashSize {
		return h, fmt.Errorf("not a hash: %q", line)
	}
	return tlog.Hash(b), nil
}
