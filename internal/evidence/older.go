package evidence

import (
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// older is an export of before, held in memory by its leaves, which the later one must extend.
type older struct {
	Header
	report *Report
	root   tlog.Hash
	known  bool // whether the root is that of its events
	leaves []place
	first  int64 // index of the first of them
	byLeaf map[tlog.Hash]int

	next     int          // the one that the later export should have next
	unknown  []Line       // that it does not have, since the last one that it has
	skipped  map[int]bool // passed over, and not met later so far
	findings []Finding
}

// place is an event of the older export.
type place struct {
	id   string
	leaf tlog.Hash
}

// readOlder reads the older export and verifies it by itself, with the key that the later one is verified with.
func readOlder(export io.Reader, later *verification) (*older, error) {
	v, err := open(export, later.key)
	if err != nil {
		return nil, err
	}
	o := &older{Header: v.Header, report: v.Report, skipped: map[int]bool{}}
	v.each = func(l Line) { o.leaves = append(o.leaves, place{l.ID, l.Leaf}) }
	v.walk()
	v.judgeOwn()
	o.root, o.known = v.Root, v.OK()
	o.from(later.Header.From)
	return o, nil
}

// from leaves out what came before the later export.
func (o *older) from(index int64) {
	o.first = max(o.From, index)
	o.leaves = o.leaves[min(int64(len(o.leaves)), o.first-o.From):]
	o.byLeaf = make(map[tlog.Hash]int, len(o.leaves))
	for i, p := range o.leaves {
		o.byLeaf[p.leaf] = i
	}
}

// compare holds a line of the later export against the older one.
func (o *older) compare(l Line) {
	if l.Index < o.From {
		return
	}
	if o.next < len(o.leaves) && o.leaves[o.next].leaf == l.Leaf {
		o.pass(o.next)
		return
	}
	at, known := o.byLeaf[l.Leaf]
	switch {
	case known && at > o.next:
		o.pass(at)
	case known && o.skipped[at]:
		delete(o.skipped, at)
		o.find(l.Index, l.ID, "was reordered: the older export has it as event %d", o.first+int64(at))
	case known:
		o.find(l.Index, l.ID, "was inserted: the older export has it once, as event %d", o.first+int64(at))
	case o.next < len(o.leaves) && o.leaves[o.next].id == l.ID:
		o.find(l.Index, l.ID, "was changed since the older export")
		o.pass(o.next)
	case o.next < len(o.leaves) && len(o.unknown) < mostFindings:
		o.unknown = append(o.unknown, l)
	}
}

// pass goes on behind an event that was met. What the older export does not have was inserted if it stands before one that
// it has; after the last of them it is only new.
func (o *older) pass(at int) {
	for i := o.next; i < at; i++ {
		o.skipped[i] = true
	}
	o.next = at + 1
	for _, l := range o.unknown {
		o.find(l.Index, l.ID, "was inserted: the older export does not have it")
	}
	o.unknown = nil
}

func (o *older) find(index int64, id, format string, args ...any) {
	var r Report
	r.find(index, id, format, args...)
	o.findings = append(o.findings, r.Findings...)
}

// judge says whether the later export extends the older one.
func (o *older) judge(v *verification) {
	for _, f := range o.report.Findings {
		v.find(f.Index, f.ID, "of the older export: %s", f.What)
	}
	switch {
	case o.Issuer != v.Issuer || o.WorkspaceID != v.WorkspaceID:
		v.find(-1, "", "the older export is of another log, %s", Origin(o.Issuer))
		return
	case o.To > v.Report.To:
		v.find(-1, "", "the older export has more events (%d) than the later one (%d): exchange the two, or the log was cut", o.To, v.Report.To)
		return
	case o.To < v.Report.From:
		v.find(-1, "", "events %d to %d are in neither export, so nothing shows that the later extends the earlier: export from event %d on",
			o.To, v.Report.From-1, o.To)
		return
	}
	for _, f := range o.named() {
		v.find(f.Index, f.ID, "%s", f.What)
	}
	switch {
	case !o.known || !v.passed(o.To):
	case v.roots[o.To] == o.root:
		v.proved("the export extends the older one: its first %d events are the same", o.To)
	default:
		v.find(-1, "", "the export does not extend the older one: of the first %d events some are others", o.To)
	}
}

// named returns what was found by comparing, in the order of the events.
func (o *older) named() []Finding {
	for i := range o.leaves {
		if o.skipped[i] || i >= o.next {
			o.find(o.first+int64(i), o.leaves[i].id, "was dropped since the older export")
		}
	}
	slices.SortStableFunc(o.findings, func(a, b Finding) int { return int(a.Index - b.Index) })
	return o.findings
}
