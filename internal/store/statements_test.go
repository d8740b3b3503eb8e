package store

import "testing"

func TestPlaceholdersLoseTheirNumbersWhereTheirOrderTells(t *testing.T) {
	for _, row := range []struct{ rule, text, want string }{
		{"none", "SELECT 1", "SELECT 1"},
		{"in order", "INSERT INTO t VALUES ($1, $2), ($3, $4)", "INSERT INTO t VALUES (?, ?), (?, ?)"},
		{"at the end", "SELECT x FROM t WHERE y = $1", "SELECT x FROM t WHERE y = ?"},
		{"more than nine", tuples(4, 3), "(?, ?, ?), (?, ?, ?), (?, ?, ?), (?, ?, ?)"},
		{"twice", "SELECT $1, $1", "SELECT $1, $1"},
		{"out of order", "SELECT $2, $1", "SELECT $2, $1"},
		{"not from 1 on", "SELECT $2", "SELECT $2"},
		{"a longer number", "SELECT $10", "SELECT $10"},
		{"no number", "SELECT '$'", "SELECT '$'"},
	} {
		if got := nameless(row.text); got != row.want {
			t.Errorf("%s: %s, want %s", row.rule, got, row.want)
		}
	}
}
