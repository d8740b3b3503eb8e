package store

import (
	"database/sql"
	"fmt"
	"strings"
)

// mostUnmoved is the largest number of workspaces that one statement compares.
const mostUnmoved = 16

// enqueuing is the statement that enqueues a frame where each of several workspaces has the generation that it is to have,
// and else does nothing (rule 22). It locks them as the comparison of Append does, in the order of their IDs, until it has
// committed. It is prepared for several numbers of workspaces, ascending.
type enqueuing []shape

func (p *preparer) unmoved(sizes []int, share string) enqueuing {
	u := make(enqueuing, len(sizes))
	for i, n := range sizes {
		u[i] = shape{n, p.stmt(enqueueUnmoved(n, share))}
	}
	return u
}

// enqueueUnmoved counts in a query of its own, because rows that are locked cannot be counted.
func enqueueUnmoved(n int, share string) string {
	either := make([]string, n)
	for i := range either {
		either[i] = fmt.Sprintf("id = $%d AND generation = $%d", 2*i+3, 2*i+4)
	}
	return `INSERT INTO queue (frame) SELECT $1 WHERE CAST($2 AS bigint) = (SELECT count(*) FROM (
		SELECT 1 FROM workspaces WHERE ` + strings.Join(either, " OR ") + ` ORDER BY id` + share + `) AS unmoved)`
}

// of returns the statement for at most mostUnmoved generations, by workspace ID, with its arguments. The first, which the
// caller fills in, is the frame. A place that is left over asks for a workspace that no ID names.
func (u enqueuing) of(generations map[string]int64) (*sql.Stmt, []any) {
	shape := u[0]
	for _, larger := range u[1:] {
		if shape.rows < len(generations) {
			shape = larger
		}
	}
	args := append(make([]any, 0, 2+2*shape.rows), nil, len(generations))
	for id, generation := range generations {
		args = append(args, id, generation)
	}
	for len(args) < cap(args) {
		args = append(args, "", 0)
	}
	return shape.stmt, args
}
