package manage

import (
	"context"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
)

// What one search returns at most: so many events, and no more once their bodies have so many bytes. A change of a trust may
// have some hundred kilobytes.
const (
	MaxEvents     = 1000
	maxEventBytes = 1 << 20
)

// SearchRecord returns the events of the caller's workspace that a query selects, newest first, and the ID of the last one
// where there are more. An event that cannot be read does not keep the others from being.
func (s *Service) SearchRecord(ctx context.Context, caller identity.Identity, q audit.Query) ([]audit.Event, string, error) {
	q, err := s.query(caller, q)
	if err != nil {
		return nil, "", err
	}
	q.Bytes = maxEventBytes
	entries, err := s.c.Record.Search(ctx, q)
	if err != nil {
		return nil, "", err
	}
	events, size := make([]audit.Event, len(entries)), 0
	for i, entry := range entries {
		events[i] = audit.EventOf(entry)
		size += len(entry.Body)
	}
	if len(entries) < q.Limit && size < q.Bytes {
		return events, "", nil
	}
	q.Before, q.Limit = entries[len(entries)-1].ID, 1
	rest, err := s.c.Record.Search(ctx, q)
	if err != nil || len(rest) == 0 {
		return events, "", err
	}
	return events, q.Before, nil
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
