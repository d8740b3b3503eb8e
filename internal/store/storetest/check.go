package storetest

import (
	"errors"
	"reflect"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// is checks that an error is the wanted one; nil is none.
func (l *lab) is(err, want error) {
	l.Helper()
	if !errors.Is(err, want) {
		l.Fatalf("got the error %v, want %v", err, want)
	}
}

// equal checks that two values are the same to the last field.
func equal[T any](l *lab, got, want T) {
	l.Helper()
	if !reflect.DeepEqual(got, want) {
		l.Fatalf("\n got %+v\nwant %+v", got, want)
	}
}

// recorded returns the IDs of all events of a workspace, newest first.
func (l *lab) recorded(w workspace.Workspace) []string {
	l.Helper()
	found, err := l.Search(l.ctx, audit.Query{WorkspaceID: w.ID})
	l.must(err)
	return ids(found)
}

func (l *lab) isRecorded(e audit.Entry, want bool) {
	l.Helper()
	found, err := l.Search(l.ctx, audit.Query{WorkspaceID: e.WorkspaceID})
	l.must(err)
	if slices.Contains(ids(found), e.ID) != want {
		l.Fatalf("event on the record: %v, want %v", !want, want)
	}
}

func ids(entries []audit.Entry) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.ID
	}
	return list
}

func verdicts(outcomes []audit.Outcome) []audit.Verdict {
	list := make([]audit.Verdict, len(outcomes))
	for i, o := range outcomes {
		list[i] = o.Verdict
	}
	return list
}

// sequence unpacks the whole queue and returns the number of events.
func (l *lab) sequence() (events int) {
	l.Helper()
	for {
		n, err := l.Sequence(l.ctx, 3)
		l.must(err)
		if n == 0 {
			return events
		}
		events += n
	}
}
