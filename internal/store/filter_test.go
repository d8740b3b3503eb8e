package store

import (
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/store/pgtest"
)

// A record of millions of events is searched by index, and none is sorted to show the newest few.
func TestSearchesUseTheirIndexes(t *testing.T) {
	s, _ := sqliteStore(t)
	for name, c := range map[string]struct {
		query audit.Query
		index string
		count bool // rather than search
	}{
		"all":     {query: audit.Query{}, index: "sqlite_autoindex_events_1 (workspace_id=?)"},
		"one":     {query: audit.Query{ID: id.New(time.Now())}, index: "sqlite_autoindex_events_1 (workspace_id=? AND id=?)"},
		"before":  {query: audit.Query{Before: id.New(time.Now())}, index: "sqlite_autoindex_events_1 (workspace_id=? AND id<?)"},
		"subject": {query: audit.Query{Subject: "x"}, index: "events_by_subject (workspace_id=? AND subject=?)"},
		"trust":   {query: audit.Query{Trust: "x"}, index: "PRIMARY KEY (workspace_id=? AND trust=?)"},
		"actor":   {query: audit.Query{Actor: "x"}, index: "PRIMARY KEY (workspace_id=? AND trust=?)"},
		"token":   {query: audit.Query{TokenID: "x"}, index: "events_by_token (workspace_id=? AND token=?)"},
		"kind":    {query: audit.Query{Kinds: []audit.Kind{audit.TokenRefused}}, index: "events_by_kind (workspace_id=? AND kind=?)"},
		"count":   {query: audit.Query{Since: time.Now()}, index: "COVERING INDEX events_by_time (workspace_id=? AND time>?)", count: true},
	} {
		c.query.WorkspaceID = id.New(time.Now())
		f, err := newFilter(c.query)
		if err != nil {
			t.Fatal(err)
		}
		part := f.selections()[0]
		query := `SELECT e.entry ` + part.from + ` ORDER BY ` + part.id + ` DESC LIMIT 10`
		if c.count {
			query = `SELECT count(*) ` + part.from
		}
		plan := explain(t, s, query, part.args...)
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}

// An issued token is found by its ID through the primary key: no other index holds it.
func TestIssuedTokensAreFoundByThePrimaryKey(t *testing.T) {
	s, _ := sqliteStore(t)
	f, err := newFilter(audit.Query{WorkspaceID: id.New(time.Now()), TokenID: id.New(time.Now())})
	if err != nil {
		t.Fatal(err)
	}
	parts := f.selections()
	for i, index := range []string{"events_by_token (workspace_id=? AND token=?)", "sqlite_autoindex_events_1 (workspace_id=? AND id=?)"} {
		if plan := explain(t, s, `SELECT e.entry `+parts[i].from, parts[i].args...); !strings.Contains(plan, index) {
			t.Error(plan)
		}
	}
}

// To look whether there is something to sequence, five times a second, costs the same however many events there are.
func TestPendingReadsNoEvents(t *testing.T) {
	s, _ := sqliteStore(t)
	if plan := explain(t, s, pending); !strings.Contains(plan, "INDEX events_unlogged") {
		t.Error(plan)
	}
	p, err := Open(t.Context(), Options{PostgresURL: pgtest.Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// As many as make it worth not to read them, and no statistics of them.
	_, err = p.writer.ExecContext(t.Context(), `INSERT INTO events (workspace_id, id, time, kind, subject, token, entry, log_index)
		SELECT '\x00', decode(md5(i::text), 'hex'), 0, '', '', '', decode(repeat(md5(i::text), 40), 'hex'), i FROM generate_series(1, 5000) i`)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.reader.QueryContext(t.Context(), `EXPLAIN `+pending)
	plan, err := all(rows, err, func(r row) (line string, err error) { return line, r.Scan(&line) })
	if text := strings.Join(plan, "\n"); err != nil || !strings.Contains(text, "events_unlogged") || strings.Contains(text, "Seq Scan on events") {
		t.Error(text, err)
	}
}

func explain(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	rows, err := s.reader.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query, args...)
	lines, err := all(rows, err, func(r row) (line string, err error) {
		var a, b, c int
		return line, r.Scan(&a, &b, &c, &line)
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
