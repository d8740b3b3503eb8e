package store

import "context"

// Pending reports whether the queue has rows.
func (s *Store) Pending(ctx context.Context) (bool, error) {
	var pending bool
	err := s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM queue)`).Scan(&pending)
	return pending, named("pending", s.classify(err))
}
