package store

import "context"

// pending asks in an order that makes PostgreSQL take the index: as long as it has no statistics it expects to find an event
// that is in no log at once, and reads all events to find none.
const pending = `SELECT EXISTS (SELECT 1 FROM queue) OR
	(SELECT 1 FROM events WHERE log_index < 0 ORDER BY workspace_id, id LIMIT 1) IS NOT NULL`

// Pending reports whether there is something to sequence: rows of the queue, or events that are in no log yet.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	var found bool
	err := s.reader.QueryRowContext(ctx, pending).Scan(&found)
	return found, named("pending", s.classify(err))
}
