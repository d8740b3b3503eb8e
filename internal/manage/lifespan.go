package manage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/policy"
)

// lifespan returns how long a living token of a workspace may have lived already: a day, unless a trust lets tokens live for
// longer, or did so until it was changed or removed not long ago. Most workspaces have no such trust, and to look for their
// tokens through a whole week would be in vain.
func (s *Service) lifespan(ctx context.Context, workspaceID string) (time.Duration, error) {
	longest, err := s.c.Trusts.LongestDuration(ctx, workspaceID)
	if err != nil {
		return 0, err
	}
	before, err := s.lifespanBefore(ctx, workspaceID)
	return max(policy.UsualDuration, longest, before), err
}

// lifespanBefore returns how long tokens may live by the trusts that were changed or removed while one of them may be alive.
// Where that cannot be told it is as long as any trust could allow.
func (s *Service) lifespanBefore(ctx context.Context, workspaceID string) (longest time.Duration, err error) {
	q := audit.Query{
		WorkspaceID: workspaceID, Since: s.c.Now().Add(-policy.LongestDuration), Kinds: []audit.Kind{audit.TrustUpdated, audit.TrustRemoved},
		Limit: MaxEvents,
	}
	for range changesAtMost {
		entries, err := s.c.Record.Search(ctx, q)
		if err != nil {
			return 0, err
		}
		for _, entry := range entries {
			longest = max(longest, allowedBefore(entry))
		}
		if len(entries) < MaxEvents {
			return longest, nil
		}
		q.Before = entries[len(entries)-1].ID
	}
	return policy.LongestDuration, nil
}

const changesAtMost = 10 // pages of changes of trusts

// allowedBefore returns how long tokens could live by a trust before a change of it.
func allowedBefore(entry audit.Entry) time.Duration {
	e, err := audit.Decode(entry.Body)
	var before policy.Trust
	if err != nil || json.Unmarshal([]byte(e.Details["before"]), &before) != nil {
		return policy.LongestDuration
	}
	return before.MaxDuration
}
