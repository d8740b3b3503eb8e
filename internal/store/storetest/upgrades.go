package storetest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/store"
)

// since is the schema in which the table behind what is read appeared.
var since = map[string]int64{"CutOffs": 2, "Revocables": 4, "Cosignatures": 9}

// The schemas in which trusts have a ManagedBy and an AcceptDelegation.
const (
	sinceManagedBy        = 7
	sinceAcceptDelegation = 8
)

// sinceWhole is the schema from which on all events are whole.
const sinceWhole = 10

// Upgrade checks that a database which an earlier release filled is read by this one. Earlier makes the database, of a
// schema's version, with what an export holds, and returns the newest version.
func Upgrade(t *testing.T, database func(testing.TB) Database, earlier func(o store.Options, version int64, export []byte) (newest int64)) {
	for version, newest := int64(1), int64(2); version < newest; version++ {
		l := newLab(t, database(t))
		l.movable()
		export, _ := l.exported(l.Store)
		old := database(t)
		newest = earlier(old.Options(), version, export)
		upgraded := &lab{T: t, Store: old.Open(t), ctx: l.ctx, database: old, one: l.one, two: l.two}
		upgraded.sequence() // adopts what the earlier release recorded
		contents := upgraded.contents()
		for name, want := range l.contents() {
			want = before(version, want)
			if got := contents[name]; version >= since[name[1]] && !reflect.DeepEqual(got, want) {
				t.Errorf("from schema %d, %s of workspace %s: %+v\nwant %+v", version, name[1], name[0], got, want)
			}
		}
		if linked, err := upgraded.WholeSince(l.ctx); err != nil || version < sinceWhole && time.Since(linked).Abs() > time.Hour {
			t.Errorf("from schema %d, events are whole since %v: %v", version, linked, err)
		}
		upgraded.appends(event(l.one.ID, audit.TokenRefused), audit.Committed)
	}
}

// before returns what is read as an earlier schema could keep it: without the columns that appeared later.
func before(version int64, read any) any {
	list, ok := read.([]policy.Trust)
	if !ok {
		return read
	}
	list = slices.Clone(list)
	for i := range list {
		if version < sinceManagedBy {
			list[i].ManagedBy = ""
		}
		if version < sinceAcceptDelegation {
			list[i].AcceptDelegation = false
		}
	}
	return list
}
