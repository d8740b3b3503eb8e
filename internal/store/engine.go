package store

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// engine is all that differs between the two databases.
type engine struct {
	name    string // of the folder of its migrations
	dialect goose.Dialect
	locked  bool // migrations run under a lock of the database

	write *sql.TxOptions // a transaction that may write, from its beginning
	read  *sql.TxOptions // a transaction whose reads all see the same moment

	share string // locks the rows of a SELECT against change, not against others who read them so
	own   string // locks the row of a SELECT for this transaction, which waits for it
	claim string // gives the rows of a SELECT to this transaction alone, and leaves out those that are another's
	alone string // whether no server is connected, nor will be before this transaction ends; empty where the folder's lock says so
	now   string // microseconds since 1970 by the database's clock

	brief bool // what was begun is ended: to be ready for an interruption costs more than the work
	// The driver looks for the argument of each numbered placeholder among all of them, by name.
	nameless  bool
	eventRows []int // numbers of rows in an INSERT of the sequencer, descending to 1

	check   func(context.Context, *sql.DB) error // whether the server is one that we can work with
	meaning func(error) error                    // which of the exported errors a driver's error is, or nil
}

// begin returns the context for what every token waits for. An error is that the caller gave up already.
func (e *engine) begin(ctx context.Context) (context.Context, error) {
	if e.brief {
		return context.WithoutCancel(ctx), ctx.Err()
	}
	return ctx, ctx.Err()
}
