package manage

import (
	"context"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
	"github.com/nsc-federation/nsc/internal/identity"
)

// Bounds of a lineage: what a token became in the hands of many is cut, and says so.
const (
	lineageDepth  = 16
	lineageEvents = 1000
	lineageWidth  = 100 // events of one token, of each sort
)

// Relation says how an event of a lineage belongs to its token.
type Relation string

// The relations.
const (
	Issued Relation = "issued" // the token was issued for its parent
	Done   Relation = "done"   // the token was shown for it
)

// Link is an event of a lineage.
type Link struct {
	Event    audit.Event
	Relation Relation
	Parent   string // jti of the token above
	Depth    int    // of that token below the first
}

// Lineage is what led to a token and what became of it, from above to below.
type Lineage struct {
	Origin    *audit.Upstream // the credential that it began with; nil where nothing is known of the token
	Links     []Link
	Truncated bool
}

// Lineage walks from a token, ours or an external one, up to the credential that it began with and down to all that was
// done with it and with what was derived from it, in the caller's workspace.
func (s *Service) Lineage(ctx context.Context, caller identity.Identity, tokenID string) (Lineage, error) {
	if err := allow(caller, recordNoun, "read"); err != nil {
		return Lineage{}, err
	}
	if tokenID == "" || len(tokenID) > 256 {
		return Lineage{}, invalid("token_id", "must be a jti of 1 to 256 bytes")
	}
	w := walk{service: s, workspaceID: caller.Tenant().ID, issuer: caller.Tenant().Issuer, seen: map[string]bool{}}
	depth, err := w.up(ctx, tokenID)
	if err == nil {
		err = w.down(ctx, tokenID, depth)
	}
	return w.lineage, err
}

// walk is a lineage in the making.
type walk struct {
	service     *Service
	workspaceID string
	issuer      string
	seen        map[string]bool // IDs of events
	lineage     Lineage
}

// up finds what led to a token, and returns how deep it is.
func (w *walk) up(ctx context.Context, tokenID string) (int, error) {
	var above []audit.Event // the nearest first
	for len(above) < lineageDepth {
		e, found, err := w.issuing(ctx, tokenID)
		if err != nil || !found {
			return w.place(above), err
		}
		above = append(above, e)
		if e.Upstream == nil || e.Upstream.Issuer != w.issuer || e.Upstream.TokenID == "" {
			return w.place(above), nil
		}
		tokenID = e.Upstream.TokenID
	}
	w.lineage.Truncated = true
	return w.place(above), nil
}

// place puts what is above a token into the lineage, and returns how much it is.
func (w *walk) place(above []audit.Event) int {
	slices.Reverse(above)
	for depth, e := range above {
		if depth == 0 {
			w.lineage.Origin = e.Upstream
		}
		parent := ""
		if e.Upstream != nil {
			parent = e.Upstream.TokenID
		}
		w.add(e, Issued, parent, depth)
	}
	return len(above)
}

// issuing finds the event that issued a token of ours: it has the token's ID.
func (w *walk) issuing(ctx context.Context, tokenID string) (audit.Event, bool, error) {
	if !id.Valid(tokenID) {
		return audit.Event{}, false, nil
	}
	found, err := w.search(ctx, audit.Query{ID: tokenID, Limit: 1})
	if err != nil || len(found) == 0 || found[0].Token == nil {
		return audit.Event{}, false, err
	}
	return found[0], true, nil
}

// down adds what was done with a token and what was issued for it, the oldest first, and goes on from there.
func (w *walk) down(ctx context.Context, tokenID string, depth int) error {
	if depth > 2*lineageDepth {
		w.lineage.Truncated = true
		return nil
	}
	about, err := w.search(ctx, audit.Query{TokenID: tokenID, Limit: lineageWidth})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(about) {
		w.begins(e, depth)
		w.add(e, Done, tokenID, depth)
	}
	derived, err := w.search(ctx, audit.Query{Parent: tokenID, Limit: lineageWidth})
	if err != nil {
		return err
	}
	w.lineage.Truncated = w.lineage.Truncated || len(about) == lineageWidth || len(derived) == lineageWidth
	for _, e := range slices.Backward(derived) {
		w.begins(e, depth)
		if !w.comesFrom(e, tokenID, depth) || !w.add(e, Issued, tokenID, depth) {
			continue
		}
		if err := w.down(ctx, e.Token.ID, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// begins notes an external token that was asked for.
func (w *walk) begins(e audit.Event, depth int) {
	if depth == 0 && w.lineage.Origin == nil {
		w.lineage.Origin = e.Upstream
	}
}

// comesFrom reports whether an event's token was issued for a token of ours, and not for one of another issuer that has the
// same ID. At the top any issuer is right: only the ID was asked for.
func (w *walk) comesFrom(e audit.Event, tokenID string, depth int) bool {
	if e.Token == nil {
		return false
	}
	return slices.ContainsFunc([]*audit.Upstream{e.Upstream, e.Actor}, func(u *audit.Upstream) bool {
		return u != nil && u.TokenID == tokenID && (depth == 0 || u.Issuer == w.issuer)
	})
}

// add adds an event once, and reports whether it was new and there was room.
func (w *walk) add(e audit.Event, relation Relation, parent string, depth int) bool {
	if w.seen[e.ID] {
		return false
	}
	if len(w.lineage.Links) == lineageEvents {
		w.lineage.Truncated = true
		return false
	}
	w.seen[e.ID] = true
	w.lineage.Links = append(w.lineage.Links, Link{e, relation, parent, depth})
	return true
}

func (w *walk) search(ctx context.Context, q audit.Query) ([]audit.Event, error) {
	q.WorkspaceID, q.Bytes = w.workspaceID, maxEventBytes
	entries, err := w.service.c.Record.Search(ctx, q)
	events := make([]audit.Event, len(entries))
	for i, entry := range entries {
		events[i] = audit.EventOf(entry)
	}
	return events, err
}
