package store_test

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
)

// What each engine says of its columns, indexes and references, in the same words.
const (
	sqliteSchema = `
		SELECT 'column ' || t.name || '.' || c.name || ' ' || lower(c.type)
			|| CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END || CASE WHEN c.pk > 0 THEN ' key ' || c.pk ELSE '' END
		FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'goose_db_version'
		UNION ALL
		SELECT 'index ' || t.name || ' ('
			|| (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')'
			|| CASE WHEN i."unique" = 1 THEN ' unique' ELSE '' END
			|| CASE WHEN i.partial = 1 THEN ' where '
				|| (SELECT substr(sql, instr(sql, ' WHERE ') + 7) FROM sqlite_schema WHERE name = i.name) ELSE '' END
		FROM pragma_table_list AS t, pragma_index_list(t.name) AS i
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'goose_db_version'
			AND i.origin <> 'pk'
		UNION ALL
		SELECT 'reference ' || t.name || '.' || f."from" || ' to ' || f."table" || '.' || f."to" || ' on delete ' || lower(f.on_delete)
		FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f WHERE t.schema = 'main'`

	postgresSchema = `
		SELECT 'column ' || c.table_name || '.' || c.column_name || ' '
			|| CASE c.data_type WHEN 'bigint' THEN 'integer' WHEN 'bytea' THEN 'blob' ELSE c.data_type END
			|| CASE WHEN c.is_nullable = 'NO' THEN ' not null' ELSE '' END
			|| COALESCE((SELECT ' key ' || k.ordinal_position FROM information_schema.key_column_usage AS k
				JOIN information_schema.table_constraints AS t USING (constraint_schema, constraint_name)
				WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_name = c.table_name AND k.column_name = c.column_name), '')
		FROM information_schema.columns AS c WHERE c.table_schema = 'public' AND c.table_name <> 'goose_db_version'
		UNION ALL
		SELECT 'index ' || t.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
				FROM unnest(x.indkey) WITH ORDINALITY AS k (attnum, n)
				JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.attnum) || ')'
			|| CASE WHEN x.indisunique THEN ' unique' ELSE '' END || COALESCE(' where ' || pg_get_expr(x.indpred, x.indrelid), '')
		FROM pg_index AS x JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
		WHERE n.nspname = 'public' AND t.relname <> 'goose_db_version' AND NOT x.indisprimary
		UNION ALL
		SELECT 'reference ' || r.conrelid::regclass || '.' || a.attname || ' to ' || r.confrelid::regclass || '.' || b.attname
			|| ' on delete ' || CASE r.confdeltype WHEN 'a' THEN 'no action' ELSE CAST(r.confdeltype AS text) END
		FROM pg_constraint AS r JOIN pg_attribute AS a ON a.attrelid = r.conrelid AND a.attnum = r.conkey[1]
			JOIN pg_attribute AS b ON b.attrelid = r.confrelid AND b.attnum = r.confkey[1] WHERE r.contype = 'f'`
)

func schema(t *testing.T, driver, address, query string) []string {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	plain := strings.NewReplacer("(", "", ")", "", "::text", "") // as PostgreSQL writes conditions
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if shown, condition, ok := strings.Cut(line, " where "); ok {
			line = shown + " where " + plain.Replace(condition)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func TestBothSchemasAreTheSame(t *testing.T) {
	postgres, sqlite := storetest.Postgres(t), storetest.SQLite(t)
	postgres.Open(t)
	sqlite.Open(t)
	p := schema(t, "pgx", postgres.Options().PostgresURL, postgresSchema)
	s := schema(t, "sqlite", sqlite.Options().SQLiteFile, sqliteSchema)
	if len(s) < 50 {
		t.Fatalf("SQLite shows %d columns and indexes", len(s))
	}
	for _, line := range s {
		if !slices.Contains(p, line) {
			t.Errorf("only SQLite has: %s", line)
		}
	}
	for _, line := range p {
		if !slices.Contains(s, line) {
			t.Errorf("only PostgreSQL has: %s", line)
		}
	}
}

// A table that a migration adds is moved with an installation, or left for a reason.
func TestAnExportKnowsEveryTable(t *testing.T) {
	d := storetest.SQLite(t)
	d.Open(t)
	tables := schema(t, "sqlite", d.Options().SQLiteFile, `SELECT name FROM pragma_table_list
		WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'goose_db_version'`)
	known := store.MovedTables()
	slices.Sort(known)
	if !slices.Equal(tables, known) {
		t.Errorf("an export knows %v, the schema has %v", known, tables)
	}
}

// In PostgreSQL text compares by the database's language where nothing else is said, in SQLite by its bytes.
func TestAllTextComparesByItsBytes(t *testing.T) {
	d := storetest.Postgres(t)
	d.Open(t)
	lines := schema(t, "pgx", d.Options().PostgresURL, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name <> 'goose_db_version' AND data_type = 'text' AND COALESCE(collation_name, '') <> 'C'`)
	if len(lines) > 0 {
		t.Error(lines)
	}
}

func TestBothEnginesHaveTheSameMigrations(t *testing.T) {
	names := func(engine string) (list []string) {
		files, err := fs.Glob(os.DirFS(filepath.Join("migrations", engine)), "*.sql")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		return files
	}
	if s, p := names("sqlite"), names("postgres"); !slices.Equal(s, p) {
		t.Errorf("SQLite has %v, PostgreSQL %v", s, p)
	}
}

// During an upgrade the previous release runs beside the new one, on the new one's schema.
func TestASchemaOfANewerReleaseIsAccepted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		d.Open(t)
		driver, address := "sqlite", d.Options().SQLiteFile
		if address == "" {
			driver, address = "pgx", d.Options().PostgresURL
		}
		db, err := sql.Open(driver, address)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, command := range []string{
			"INSERT INTO goose_db_version (version_id, is_applied) SELECT 99999, is_applied FROM goose_db_version LIMIT 1",
			"ALTER TABLE workspaces ADD COLUMN later text",
		} {
			if _, err := db.ExecContext(t.Context(), command); err != nil {
				t.Fatal(err)
			}
		}
		s := d.Open(t)
		tenant(t, s)
		if _, err := s.WorkspaceByName(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
	})
}
