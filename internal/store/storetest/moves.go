package storetest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/workspace"
)

var moves = map[string]func(*lab){
	"an installation moves to either engine, and nothing is lost": func(l *lab) {
		l.movable()
		export, tables := l.exported(l.Store)
		for engine, target := range map[string]Database{"SQLite": SQLite(l), "PostgreSQL": Postgres(l)} {
			there := target.Open(l)
			got, err := there.Import(l.ctx, bytes.NewReader(export), anybody, arrived)
			l.must(err)
			if !slices.Equal(got, tables) {
				l.Errorf("%s: %v, exported were %v", engine, got, tables)
			}
			if want, got := l.contents(), (&lab{T: l.T, Store: there, ctx: l.ctx, one: l.one, two: l.two}).contents(); !reflect.DeepEqual(got, want) {
				l.Errorf("%s: %+v\nwant %+v", engine, got, want)
			}
			if n, err := there.Count(l.ctx, audit.Query{WorkspaceID: l.one.ID, Actor: "actor"}); n != 1 || err != nil {
				l.Errorf("%s: %d events are found by who acts in them: %v", engine, n, err)
			}
			_, err = there.Sequence(l.ctx, 64)
			l.must(err)
			_, back := l.exported(there)
			for i, m := range back {
				if m != tables[i] && !slices.Contains([]string{"events", "log_heads", "log_tiles"}, m.Table) { // one more there: that it was imported
					l.Errorf("%s: moved on, %v is %v", engine, tables[i], m)
				}
			}
			system, err := there.WorkspaceByName(l.ctx, workspace.SystemName)
			l.must(err)
			if n, err := there.Count(l.ctx, audit.Query{WorkspaceID: system.ID, Kinds: []audit.Kind{audit.InstallationImported}}); n != 1 || err != nil {
				l.Errorf("%s: %d events say that it was imported: %v", engine, n, err)
			}
		}
	},

	"what is not a whole export is not imported": func(l *lab) {
		l.movable()
		export, _ := l.exported(l.Store)
		lines := strings.SplitAfter(strings.TrimSuffix(string(export), "\n"), "\n")
		row := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, `"two"`) })
		if row < 0 {
			l.Fatal("no row to change")
		}
		for rule, changed := range map[string]string{
			"nothing":         "",
			"garbage":         "garbage\n",
			"another format":  strings.Replace(string(export), store.MoveFormat, "x/1", 1),
			"a row changed":   strings.Replace(string(export), `"two"`, `"too"`, 1),
			"a row left out":  strings.Join(slices.Delete(slices.Clone(lines), row, row+1), ""),
			"a row twice":     strings.Join(slices.Insert(slices.Clone(lines), row, lines[row]), ""),
			"its end cut off": strings.Join(lines[:len(lines)-1], ""),
			"half of it":      string(export[:len(export)/2]),
			"another schema":  strings.Replace(string(export), `"schema":`, `"schema":9`, 1),
			"other columns":   strings.Replace(string(export), `"base_url"`, `"base_urls"`, 1),
			"a table twice":   strings.Replace(string(export), `{"table":"users"`, `{"table":"workspaces"`, 1),
		} {
			target := l.sibling().Open(l)
			if _, err := target.Import(l.ctx, strings.NewReader(changed), anybody, arrived); err == nil {
				l.Errorf("%s: imported", rule)
			}
			if _, err := target.Installation(l.ctx); !errors.Is(err, store.ErrNotFound) {
				l.Errorf("%s: something was kept: %v", rule, err)
			}
		}
	},

	"an import does not touch what is there, or what cannot be used": func(l *lab) {
		l.movable()
		export, _ := l.exported(l.Store)
		_, err := l.Import(l.ctx, bytes.NewReader(export), anybody, arrived)
		l.is(err, store.ErrExists)
		empty, refused := l.sibling().Open(l), errors.New("another master key")
		if _, err := empty.Import(l.ctx, bytes.NewReader(export), func(store.Installation) error { return refused }, arrived); !errors.Is(err, refused) {
			l.Error(err)
		}
		_, err = empty.Installation(l.ctx)
		l.is(err, store.ErrNotFound)
	},

	"an installation that is in use is not exported": func(l *lab) {
		l.movable()
		_, err := l.Append(l.ctx, []audit.Entry{event(l.one.ID, audit.TokenRefused)})
		l.must(err)
		if _, err := l.Export(l.ctx, io.Discard); !errors.Is(err, store.ErrRunning) {
			l.Error(err)
		}
	},
}

// movable puts one of everything into the installation, and unpacks its record.
func (l *lab) movable() {
	l.Helper()
	l.workspace(workspace.SystemName)
	e := l.using(&audit.Use{Issuer: "https://issuer.example.com", TokenID: "once", ExpiresAt: now, Payload: []byte{0, 1}})
	e.Trusts, e.Actors = []string{"trust"}, []string{"actor"}
	l.appends(e, audit.Committed)
	l.furnished()
	l.must(l.CreateLogKey(l.ctx, keys.LogKey{WorkspaceID: l.one.ID, Public: []byte{0}, Sealed: []byte{1}, CreatedAt: now}))
	l.must(l.CreateOpaque(l.ctx, l.one.ID, []byte("hash"), []byte("{}"), now))
	l.sequence()
	l.sign(l.one)
	l.must(l.KeepCosignature(l.ctx, audit.Cosignature{WorkspaceID: l.one.ID, Witness: "w", Size: 1, Checkpoint: "note", Line: "line"}))
}

func (l *lab) exported(s *store.Store) ([]byte, []store.Moved) {
	l.Helper()
	var b bytes.Buffer
	tables, err := s.Export(l.ctx, &b)
	l.must(err)
	for _, t := range tables {
		if t.Rows == 0 {
			l.Errorf("nothing of table %s is tried", t.Table)
		}
	}
	return b.Bytes(), tables
}

func anybody(store.Installation) error { return nil }

func arrived(systemID string) audit.Entry { return event(systemID, audit.InstallationImported) }
