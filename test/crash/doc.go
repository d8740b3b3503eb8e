// Package crash kills the server.
//
// The program that people run, on SQLite and on PostgreSQL, is killed by SIGKILL at random instants: while it starts for
// the first time, while it starts again, and while callers exchange tokens, some of which may be used once only. Then it
// is started on what it left behind. What must hold, whatever the instant:
//
//   - Every token that any caller ever received is on the record, with the hash of exactly its claims.
//   - A token of single use brought one token, though it was sent again after the crash; the retry that nsc promises
//     (rule 16) brings the same claims again.
//   - The next start is clean: it is ready, and its log has nothing to complain about.
//   - The record is consistent (record_test.go): the queue gets unpacked, and every event of it can be read.
//
// Instants and load come from a seed, which the test says. make test kills a few times, make crash ROUNDS=2000 many.
package crash
