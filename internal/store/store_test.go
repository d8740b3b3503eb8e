package store_test

import (
	"testing"

	"github.com/nsc-federation/nsc/internal/store"
	"github.com/nsc-federation/nsc/internal/store/storetest"
)

func TestSQLite(t *testing.T) { storetest.Run(t, storetest.SQLite) }

func TestPostgres(t *testing.T) { storetest.Run(t, storetest.Postgres) }

// What an earlier release wrote is migrated by the next, whatever its schema was.
func TestUpgrades(t *testing.T) {
	for engine, database := range map[string]func(testing.TB) storetest.Database{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			storetest.Upgrade(t, database, func(o store.Options, version int64, export []byte) int64 {
				return store.Earlier(t, o, version, export)
			})
		})
	}
}
