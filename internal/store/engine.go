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
	now   string // microseconds since 1970 by the database's clock

	eventRows []int // numbers of rows in an INSERT of the sequencer, descending to 1

	check   func(context.Context, *sql.DB) error // whether the server is one that we can work with
	meaning func(error) error                    // which of the exported errors a driver's error is, or nil
}
