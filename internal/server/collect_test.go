package server

import "testing"

func TestTheHeapGrowsByTheSlackOrByItself(t *testing.T) {
	for _, row := range []struct {
		rule string
		used uint64
		goal uint64 // bytes
	}{
		{"a small heap by the slack", 4 << 20, 4<<20 + slack},
		{"as much as the slack", slack, 2 * slack},
		{"a large heap by itself", 400 << 20, 800 << 20},
	} {
		if goal := row.used + row.used*uint64(percentage(row.used))/100; goal != row.goal {
			t.Errorf("%s: %d, want %d", row.rule, goal, row.goal)
		}
	}
}
