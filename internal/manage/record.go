package manage

import (
	"context"
	"fmt"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
)

// MaxEvents is the most events that one search returns.
const MaxEvents = 1000

// SearchRecord returns the events of the caller's workspace that a query selects, newest first.
func (s *Service) SearchRecord(ctx context.Context, caller identity.Identity, q audit.Query) ([]audit.Event, error) {
	q, err := s.query(caller, q)
	if err != nil {
		return nil, err
	}
	entries, err := s.c.Record.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	events := make([]audit.Event, 0, len(entries))
	for _, entry := range entries {
		event, err := audit.Decode(entry.Body)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", entry.ID, err)
		}
		events = append(events, event)
	}
	return events, nil
}

// CountRecord returns how many events of the caller's workspace a query selects.
func (s *Service) CountRecord(ctx context.Context, caller identity.Identity, q audit.Query) (int64, error) {
	q, err := s.query(caller, q)
	if err != nil {
		return 0, err
	}
	return s.c.Record.Count(ctx, q)
}

func (s *Service) query(caller identity.Identity, q audit.Query) (audit.Query, error) {
	if err := allow(caller, recordNoun, "read"); err != nil {
		return q, err
	}
	for field, value := range map[string]string{"id": q.ID, "trust": q.Trust, "before": q.Before} {
		if value != "" && !id.Valid(value) {
			return q, invalid(field, "is not an ID (26 characters of lower-case base32)")
		}
	}
	if q.Limit <= 0 || q.Limit > MaxEvents {
		q.Limit = MaxEvents
	}
	q.WorkspaceID = caller.Tenant().ID
	return q, nil
}
