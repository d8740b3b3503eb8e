package evidence

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what a log was at one time: how many events it had, and the root of their tree.
type Checkpoint struct {
	Origin string // the log's name, see Origin
	Size   int64
	Root   tlog.Hash
}

// Origin returns the name of a workspace's log: its issuer without the scheme, as C2SP tlog-checkpoint recommends. The
// key that signs its checkpoints has the same name.
func Origin(issuer string) string {
	if _, rest, ok := strings.Cut(issuer, "://"); ok {
		return rest
	}
	return issuer
}

// Text returns the body of the note that is signed.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

var errCheckpoint = errors.New("evidence: not a checkpoint")

// ParseCheckpoint reads the body of a note. Lines after the third are extensions that others may define.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return Checkpoint{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, errCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, errCheckpoint
	}
	return Checkpoint{lines[0], size, root}, nil
}

// OpenCheckpoint returns what a note says, if the verifier's key signed it. A key signs checkpoints of the log of its own
// name alone.
func OpenCheckpoint(signed string, v note.Verifier) (Checkpoint, error) {
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("evidence: checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err == nil && c.Origin != v.Name() {
		err = fmt.Errorf("evidence: a checkpoint of %q, signed by the key of %q", c.Origin, v.Name())
	}
	return c, err
}

const signatureLine = "— " // as a note's signatures begin

// SplitNotes returns the notes of a file that has one after the other, with or without empty lines between.
func SplitNotes(text string) (notes []string) {
	var current strings.Builder
	inSignatures := false
	for line := range strings.Lines(text) {
		signature := strings.HasPrefix(line, signatureLine)
		if inSignatures && !signature {
			notes = append(notes, current.String())
			current.Reset()
			inSignatures = false
		}
		if current.Len() == 0 && strings.TrimSpace(line) == "" {
			continue
		}
		current.WriteString(line)
		inSignatures = signature
	}
	if strings.TrimSpace(current.String()) != "" {
		notes = append(notes, current.String())
	}
	return notes
}
