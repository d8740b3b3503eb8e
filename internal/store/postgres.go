package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	postgresConns   = 10
	postgresOldest  = 150000 // server_version_num of PostgreSQL 15
	postgresConnect = 5 * time.Second
	postgresAge     = 30 * time.Minute // of a connection, so that load finds its way back to a node that returned
)

var postgresEngine = engine{
	name:    "postgres",
	dialect: goose.DialectPostgres,
	locked:  true,
	// Read committed: a row that FOR SHARE waited for is read again as it then is, which is the comparison that rule 22
	// needs; a stricter level would fail there.
	write: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	read:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
	share: " FOR SHARE",
	own:   " FOR UPDATE",
	claim: " FOR UPDATE SKIP LOCKED",
	alone: fmt.Sprintf("SELECT pg_try_advisory_xact_lock(%d)", servedLock),
	now:   "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",

	eventRows: []int{32, 8, 1},
	check:     checkPostgres,
	meaning:   postgresMeaning,
}

func openPostgres(address string, conns int, serves bool) (*Store, error) {
	if conns <= 0 {
		conns = postgresConns
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err // has no password in it
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnect
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "nsc"
	}
	prepare := settle
	if serves {
		prepare = settleServing
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(prepare))
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxLifetime(postgresAge)
	return &Store{engine: &postgresEngine, writer: db, reader: db}, nil
}

// settle makes every connection durable, whatever the server's default, and bounds how long it waits for a lock where the
// server's default is for ever. A statement by itself gets the isolation that transactions ask for.
func settle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `SELECT set_config(name, CASE WHEN setting = off THEN wanted ELSE setting END, false)
		FROM (VALUES ('lock_timeout', current_setting('lock_timeout'), '0', '5s'),
			('synchronous_commit', current_setting('synchronous_commit'), 'off', 'on'),
			('default_transaction_isolation', '', '', 'read committed')) AS s (name, setting, off, wanted)`)
	return err
}

// settleServing also shows on every connection that a server runs. Who needs the database for himself holds the same lock
// until his transaction ends, for which a new connection waits.
func settleServing(ctx context.Context, conn *pgx.Conn) error {
	if err := settle(ctx, conn); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "SELECT pg_advisory_lock_shared($1)", servedLock)
	return err
}

func checkPostgres(ctx context.Context, db *sql.DB) error {
	var version int64
	var encoding string
	err := db.QueryRowContext(ctx, `SELECT CAST(current_setting('server_version_num') AS bigint),
		current_setting('server_encoding')`).Scan(&version, &encoding)
	switch {
	case err != nil:
		return err
	case version < postgresOldest:
		return fmt.Errorf("the server is PostgreSQL %d; at least 15 is needed", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s; UTF8 is needed", encoding)
	}
	return nil
}

// postgresMeaning goes by the codes of PostgreSQL's appendix A.
func postgresMeaning(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return connectionMeaning(err)
	}
	switch e.Code {
	case "23505": // unique_violation
		return ErrExists
	case "23503": // foreign_key_violation: the workspace
		return ErrNotFound
	case "25006", "25P03", // read-only transaction, as on a standby; idle_in_transaction_session_timeout
		"40001", "40P01", // serialization_failure, deadlock_detected: the same call may succeed
		"55P03": // lock_not_available: lock_timeout
		return ErrUnavailable
	}
	switch e.Code[:2] {
	case "08", "53", "57", "58": // connection, resources (a full disk), operator's intervention, system
		return ErrUnavailable
	}
	return nil
}

// connectionMeaning recognises a server that did not answer.
func connectionMeaning(err error) error {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ErrUnavailable
	}
	return nil
}
