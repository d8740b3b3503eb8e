package manage

import (
	"context"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/workspace"
)

// ListedCutOff is a lasting cut-off as people know it.
type ListedCutOff struct {
	workspace.CutOff
	Issuer string // that was named, whose hash is the value; "" where there was none, or the record has it no more
}

// ListCutOffs returns the cut-offs that last in the order of their IDs, those after the given one.
func (s *Service) ListCutOffs(ctx context.Context, caller identity.Identity, after string, limit int) ([]ListedCutOff, error) {
	if err := allow(caller, tokenNoun, "read"); err != nil {
		return nil, err
	}
	found, err := s.c.CutOffs.CutOffs(ctx, caller.Tenant().ID, after, s.c.Now(), page(limit))
	if err != nil {
		return nil, err
	}
	return s.listed(ctx, caller, found)
}

// LastingCutOff returns one lasting cut-off. An ID that is none and one of another workspace are alike (rule 7).
func (s *Service) LastingCutOff(ctx context.Context, caller identity.Identity, cutOffID string) (ListedCutOff, error) {
	if err := allow(caller, tokenNoun, "read"); err != nil {
		return ListedCutOff{}, err
	}
	if !id.Valid(cutOffID) {
		return ListedCutOff{}, fault.Newf(fault.NotFound, "a cut-off of an ID that is none")
	}
	found, err := s.c.CutOffs.CutOff(ctx, caller.Tenant().ID, cutOffID)
	if err != nil {
		return ListedCutOff{}, err
	}
	list, err := s.listed(ctx, caller, []workspace.CutOff{found})
	return list[0], err
}

func (s *Service) listed(ctx context.Context, caller identity.Identity, found []workspace.CutOff) ([]ListedCutOff, error) {
	list := make([]ListedCutOff, len(found))
	unnamed := map[string]*ListedCutOff{}
	for i, c := range found {
		if list[i].CutOff = c; c.Kind == workspace.CutIssuer {
			unnamed[c.ID] = &list[i]
		}
	}
	return list, s.nameIssuers(ctx, caller.Tenant().ID, unnamed)
}

const cutOffsAtMost = 10 // pages of events that are read for the names of issuers

// nameIssuers says which issuers cut-offs are about: what forbids has a hash of them, and the record what was written.
func (s *Service) nameIssuers(ctx context.Context, workspaceID string, unnamed map[string]*ListedCutOff) error {
	q := audit.Query{WorkspaceID: workspaceID, Kinds: []audit.Kind{audit.CutOffCreated}, Limit: MaxEvents}
	for pages := 0; len(unnamed) > 0 && pages < cutOffsAtMost; pages++ {
		entries, err := s.c.Record.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			e := audit.EventOf(entry)
			if c := unnamed[e.Object]; c != nil {
				c.Issuer = e.Details["issuer"]
				delete(unnamed, e.Object)
			}
		}
		if len(entries) < MaxEvents {
			return nil
		}
		q.Before = entries[len(entries)-1].ID
	}
	return nil
}
