package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// Format and Version name the export's form: JSON lines, a Header and then a Line for each event.
const (
	Format  = "nsc-audit-export"
	Version = 1
)

// Header is the first line of an export.
type Header struct {
	Format      string      `json:"format"`
	Version     int         `json:"version"`
	Workspace   string      `json:"workspace"`
	WorkspaceID string      `json:"workspace_id"`
	Issuer      string      `json:"issuer"`
	VerifierKey string      `json:"verifier_key"`
	From        int64       `json:"from"`             // index of the first event
	To          int64       `json:"to"`               // index after the last, the size of the checkpoint's tree
	Before      []tlog.Hash `json:"before,omitempty"` // the frontier of the events before From
	Checkpoint  string      `json:"checkpoint"`
	Cosigned    []string    `json:"cosigned,omitempty"` // the newest checkpoints that witnesses cosigned, with their cosignatures
}

// Line is one event of an export. Of an erased one the leaf is all there is.
type Line struct {
	Index  int64     `json:"index"`
	ID     string    `json:"id"`
	Leaf   tlog.Hash `json:"leaf"`
	Erased bool      `json:"erased,omitempty"`
	Salt   []byte    `json:"salt,omitempty"`
	Event  string    `json:"event,omitempty"` // the canonical encoding, as a string so that nobody's JSON changes a byte of it
}

const longestLine = 8 << 20 // bytes

// encode returns the one form of a line: what is read must be it, or readers of JSON that differ (in which of two members
// of one name they take) would see another event than the one that was verified.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return b.Bytes(), err
}

// Write writes a header or a line.
func Write(w io.Writer, value any) error {
	line, err := encode(value)
	if err == nil {
		_, err = w.Write(line)
	}
	return err
}

// reader reads an export line by line.
type reader struct {
	Header
	lines *bufio.Scanner
}

func newReader(r io.Reader) (*reader, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	x := &reader{lines: lines}
	more, err := x.read(&x.Header)
	switch {
	case err != nil && x.Format != Format || !more:
		return nil, errors.New("not an export of an nsc audit log: its first line is no header")
	case x.Version != Version:
		return nil, fmt.Errorf("an export of version %d; this program reads version %d", x.Version, Version)
	case err != nil:
		return nil, fmt.Errorf("the export's header: %w", err)
	case x.From < 0 || x.To < x.From:
		return nil, errors.New("the export's header names an impossible range of events")
	}
	return x, nil
}

var errForm = errors.New("is not in the form that nsc writes")

// read reads the next line, strictly.
func (x *reader) read(into any) (more bool, err error) {
	if !x.lines.Scan() {
		return false, x.lines.Err()
	}
	line := x.lines.Bytes()
	if err := json.Unmarshal(line, into); err != nil {
		return true, errForm
	}
	same, err := encode(into)
	if err != nil || !bytes.Equal(bytes.TrimSuffix(same, []byte("\n")), line) {
		return true, errForm
	}
	return true, nil
}

// next reads the next event.
func (x *reader) next() (l Line, more bool, err error) {
	more, err = x.read(&l)
	return l, more, err
}
