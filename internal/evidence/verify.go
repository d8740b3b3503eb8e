package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Input is what is verified, and what it is held against.
type Input struct {
	Export    io.Reader
	Older     io.Reader    // an export of before; nil for none
	Outside   string       // signed checkpoints that were kept elsewhere, one after the other; "" for none
	Key       string       // the log's verifier key, from elsewhere than the export; "" for none
	Witnesses []WitnessKey // whose cosignatures count, wherever they are found
}

// Finding is something that is not as it must be.
type Finding struct {
	Index int64  `json:"index"`        // of the event; -1 where it is about none
	ID    string `json:"id,omitempty"` // of the event
	What  string `json:"what"`
}

// String returns the finding as a sentence.
func (f Finding) String() string {
	switch {
	case f.Index < 0:
		return f.What
	case f.ID == "":
		return fmt.Sprintf("event %d %s", f.Index, f.What)
	}
	return fmt.Sprintf("event %d (%s) %s", f.Index, f.ID, f.What)
}

// Report is what a verification showed.
type Report struct {
	Origin    string      `json:"origin"`
	From      int64       `json:"from"`
	To        int64       `json:"to"`
	Erased    int64       `json:"erased"`
	Root      tlog.Hash   `json:"root"`
	Findings  []Finding   `json:"findings"`
	More      int         `json:"more_findings,omitempty"` // that are left out
	Witnessed []Witnessed `json:"witnessed,omitempty"`     // by each witness that was asked for, the most
	Proved    []string    `json:"proved"`
	Unproved  []string    `json:"unproved"`
}

// OK reports whether nothing was found. What was not proved is another matter.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

const mostFindings = 100

func (r *Report) find(index int64, id, format string, args ...any) {
	if len(r.Findings) == mostFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, Finding{index, id, fmt.Sprintf(format, args...)})
}

func (r *Report) proved(format string, args ...any) {
	r.Proved = append(r.Proved, fmt.Sprintf(format, args...))
}

func (r *Report) unproved(format string, args ...any) {
	r.Unproved = append(r.Unproved, fmt.Sprintf(format, args...))
}

// verification is an export on its way through.
type verification struct {
	*Report
	*reader
	key      string // that the checkpoints are verified with
	verifier note.Verifier
	frontier Frontier
	roots    map[int64]tlog.Hash // by size of the tree; of those sizes that somebody asked for
	each     func(Line)          // sees every line that can be read
}

// Verify verifies an export offline. It returns an error only for what is no export at all.
func Verify(in Input) (*Report, error) {
	v, err := open(in.Export, in.Key)
	if err != nil {
		return nil, err
	}
	var older *older
	if in.Older != nil {
		if older, err = readOlder(in.Older, v); err != nil {
			return nil, fmt.Errorf("the older export: %w", err)
		}
		v.want(older.To)
		v.each = older.compare
	}
	kept := v.kept(in)
	for _, k := range kept {
		v.want(k.Size)
	}
	v.walk()
	v.judgeOwn()
	if older != nil {
		older.judge(v)
	}
	v.judgeKept(kept, in)
	if in.Key == "" {
		v.unproved("whose log it is: the key that the checkpoints are verified with is the export's own word")
	}
	return v.Report, nil
}

func open(export io.Reader, key string) (*verification, error) {
	x, err := newReader(export)
	if err != nil {
		return nil, err
	}
	if key == "" {
		key = x.VerifierKey
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("%q is not a verifier key", key)
	}
	frontier, err := NewFrontier(x.From, x.Before)
	if err != nil {
		return nil, errors.New("the export's header does not say what came before its first event")
	}
	report := &Report{Origin: Origin(x.Issuer), From: x.From, To: x.To, Findings: []Finding{}, Proved: []string{}, Unproved: []string{}}
	v := &verification{Report: report, reader: x, key: key, verifier: verifier, frontier: frontier, roots: map[int64]tlog.Hash{}}
	v.want(x.To)
	if key != x.VerifierKey {
		v.find(-1, "", "the export names another verifier key (%s) than the one that was given", x.VerifierKey)
	}
	return v, nil
}

// want asks for the root at a size. Those that this export does not come past stay unknown.
func (v *verification) want(size int64) { v.roots[size] = tlog.Hash{} }

// mark keeps the root where it was asked for.
func (v *verification) mark() {
	if _, wanted := v.roots[v.frontier.Size()]; wanted {
		v.roots[v.frontier.Size()] = v.frontier.Root()
	}
}

// passed reports whether the export shows the root at a size.
func (v *verification) passed(size int64) bool {
	return v.Report.From <= size && size <= v.frontier.Size()
}

// walk makes the tree of the events that are there.
func (v *verification) walk() {
	expected := v.Report.From
	v.mark()
	for {
		line, more, err := v.next()
		switch {
		case !more && err != nil:
			v.find(-1, "", "the export cannot be read to its end: %v", err)
			return
		case !more:
			if expected < v.Report.To {
				v.find(expected, "", "and all after it, to event %d, are missing: the export ends before", v.Report.To-1)
			}
			return
		case err != nil:
			v.find(expected, line.ID, "%v: it was changed", err)
			expected++
			continue
		}
		expected = v.order(line, expected)
		v.event(line)
	}
}

// order checks that a line follows the one before it, and returns the index that must come next.
func (v *verification) order(l Line, expected int64) int64 {
	switch {
	case l.Index == expected:
	case l.Index >= v.Report.To:
		v.find(l.Index, l.ID, "was inserted: the log has %d events", v.Report.To)
		return expected
	case l.Index == expected+1:
		v.find(expected, "", "was dropped, or is at another place")
	case l.Index > expected:
		v.find(expected, "", "and those up to event %d were dropped, or are at another place", l.Index-1)
	default:
		v.find(l.Index, l.ID, "is not at its place: it was reordered, or inserted")
		return max(expected, l.Index+1)
	}
	return l.Index + 1
}

// event checks one event against its leaf, and adds it to the tree.
func (v *verification) event(l Line) {
	if problem := v.check(l); problem != "" {
		v.find(l.Index, l.ID, "%s", problem)
	}
	if l.Erased {
		v.Erased++
	}
	v.frontier.Add(l.Leaf, nil)
	v.mark()
	if v.each != nil {
		v.each(l)
	}
}

func (v *verification) check(l Line) string {
	if l.Erased {
		if l.Event != "" || len(l.Salt) > 0 {
			return "is said to be erased, and is there: it was changed"
		}
		return ""
	}
	var event struct {
		ID          string `json:"id"`
		WorkspaceID string `json:"workspace_id"`
	}
	switch {
	case len(l.Salt) != SaltSize, Leaf([SaltSize]byte(l.Salt), []byte(l.Event)) != l.Leaf:
		return "was changed: it is not what its leaf was made of"
	case json.Unmarshal([]byte(l.Event), &event) != nil, event.ID != l.ID:
		return "was changed: it has another ID than the event inside"
	case event.WorkspaceID != v.WorkspaceID:
		return "is of another workspace: it was inserted"
	}
	return ""
}

// judgeOwn holds the events against the checkpoint that came with them.
func (v *verification) judgeOwn() {
	c, err := OpenCheckpoint(v.Checkpoint, v.verifier)
	switch {
	case err != nil:
		v.find(-1, "", "the export's own checkpoint is not signed by %s: %v", v.verifier.Name(), err)
		return
	case c.Origin != v.Origin:
		v.find(-1, "", "the export is of %s, its checkpoint of %s", v.Origin, c.Origin)
	case c.Size != v.Report.To:
		v.find(-1, "", "the export ends at event %d, its checkpoint at %d", v.Report.To-1, c.Size-1)
	}
	v.Root = c.Root
	if v.frontier.Size() == c.Size && v.frontier.Root() == c.Root {
		v.proved("all events are those that the export's own checkpoint was signed for, in this order, and no others")
		return
	}
	if len(v.Findings) == 0 {
		v.find(-1, "", "the events are not those that the checkpoint was signed for: some were changed together with their leaves, dropped, "+
			"reordered or inserted, and the rest was numbered anew; an older export would show which")
	}
}
