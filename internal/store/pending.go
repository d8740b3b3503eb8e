package store

import "context"

// Pending reports whether there is something to sequence: rows of the queue, or events that are in no log yet.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	var pending bool
	err := s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM queue) OR EXISTS (SELECT 1 FROM events WHERE log_index < 0)`).Scan(&pending)
	return pending, named("pending", s.classify(err))
}
