package store

import "testing"

// Setting returns a setting of one of the store's connections.
func Setting(t *testing.T, s *Store, name string) (value string) {
	t.Helper()
	if err := s.writer.QueryRowContext(t.Context(), `SELECT current_setting($1)`, name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// MovedTables returns the tables of an export, and those that are left.
func MovedTables() (names []string) {
	for _, t := range moved {
		names = append(names, t.name)
	}
	return append(names, left...)
}
