package manage

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Unreachable counts tokens that a cut-off does not reach, because those they are for verify them by themselves (rule 23).
type Unreachable struct {
	Audience string
	Count    int
	Latest   time.Time // when the last of them ends
}

const (
	countEvents  = MaxEvents
	countAtMost  = 200 // pages of the record that are read to count what is not reached
	maxTokenLife = policy.LongestDuration
)

// unreachable counts the living tokens for third parties that a cut-off is about, by the record. The second result says
// that there may be more. Signed is the key that is cut off, where it is one.
func (s *Service) unreachable(ctx context.Context, caller identity.Identity, t Target, signed keys.Stored) ([]Unreachable, bool, error) {
	now := s.c.Now()
	c := count{service: s, issuer: caller.Tenant().Issuer, now: now, found: map[string]*Unreachable{}, query: audit.Query{
		WorkspaceID: caller.Tenant().ID, Since: now.Add(-maxTokenLife), Kinds: []audit.Kind{audit.TokenIssued}, Limit: countEvents,
	}}
	var err error
	switch t.named() {
	case "key":
		err = c.byKey(ctx, signed)
	case "subject":
		err = c.bySubject(ctx, caller.Tenant(), t)
	case "issuer":
		err = c.of(ctx, c.query, ofIssuer(identity.IssuerHash(t.Issuer)))
	default:
		q := c.query
		q.Trust, q.TokenID = t.Trust, t.Token
		err = c.of(ctx, q, anyEvent)
	}
	if err != nil {
		return nil, false, err
	}
	return c.sorted(), c.incomplete, nil
}

// count is the count of what a cut-off does not reach, in the making.
type count struct {
	service    *Service
	issuer     string // the workspace's: tokens for it are reached
	now        time.Time
	query      audit.Query // all tokens that may be alive
	found      map[string]*Unreachable
	incomplete bool
}

func anyEvent(audit.Event) bool { return true }

// ofIssuer selects the tokens of an issuer's subjects, and those that its subjects act in (rule 34).
func ofIssuer(hash string) func(audit.Event) bool {
	is := func(subject string) bool {
		of, ok := identity.SubjectIssuer(subject)
		return ok && of == hash
	}
	return func(e audit.Event) bool { return is(e.Subject) || slices.ContainsFunc(e.Act, is) }
}

// bySubject counts the tokens of a subject, and those of others that it acts in (rule 34).
func (c *count) bySubject(ctx context.Context, tenant identity.Tenant, t Target) error {
	cut, err := t.lasting(tenant)
	if err != nil {
		return err
	}
	q := c.query
	q.Subject = cut.Value
	if err := c.of(ctx, q, anyEvent); err != nil {
		return err
	}
	q.Subject = ""
	whole, err := c.whole(ctx)
	if err != nil {
		return err
	}
	if whole {
		q.Actor = cut.Value
	}
	return c.of(ctx, q, func(e audit.Event) bool { return e.Subject != cut.Value && slices.Contains(e.Act, cut.Value) })
}

// byKey counts the tokens that a key signed. Each token has one, so that no index has them: the record is looked through for
// the time in which it may have signed. Whoever verifies by himself refuses these tokens once he asks for the keys again.
func (c *count) byKey(ctx context.Context, key keys.Stored) error {
	whole, err := c.whole(ctx)
	if err != nil {
		return err
	}
	q := c.query
	q.Kinds = []audit.Kind{audit.TokenIssued, audit.TokenReissued}
	from, to := key.Signed()
	if q.Until = to; from.After(q.Since) {
		q.Since = from
	}
	reissued := map[string]bool{} // what it signed again, which is met before what it signed first
	return c.of(ctx, q, func(e audit.Event) bool {
		c.incomplete = c.incomplete || e.Token.KeyID == "" && !whole
		if e.Token.KeyID != key.ID || reissued[e.Token.ID] {
			return false
		}
		if e.Kind == audit.TokenReissued {
			reissued[e.Token.ID] = true
		}
		return true
	})
}

// whole reports whether the events of all tokens that may be alive are found by who acts in them, and name their key. Those
// that an earlier release recorded do not, until their tokens have ended; it may have run beside this one for as long as
// that again. Until then all tokens are looked through, and those without a key are counted as none.
func (c *count) whole(ctx context.Context) (bool, error) {
	since, err := c.service.c.Record.WholeSince(ctx)
	return since.Add(2 * maxTokenLife).Before(c.now), err
}

// of counts the tokens of a query that are about whom is cut off.
func (c *count) of(ctx context.Context, q audit.Query, about func(audit.Event) bool) error {
	for range countAtMost {
		entries, err := c.service.c.Record.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			c.add(entry, about)
		}
		if len(entries) < countEvents {
			return nil
		}
		q.Before = entries[len(entries)-1].ID
	}
	c.incomplete = true
	return nil
}

func (c *count) add(entry audit.Entry, about func(audit.Event) bool) {
	e, err := audit.Decode(entry.Body)
	switch {
	case err != nil:
		c.incomplete = true
		return
	case e.Token == nil || e.Token.Audience == c.issuer || !e.Token.ExpiresAt.After(c.now) || !about(e):
		return
	}
	u := c.found[e.Token.Audience]
	if u == nil {
		u = &Unreachable{Audience: e.Token.Audience}
		c.found[e.Token.Audience] = u
	}
	u.Count++
	if e.Token.ExpiresAt.After(u.Latest) {
		u.Latest = e.Token.ExpiresAt
	}
}

func (c *count) sorted() []Unreachable {
	list := make([]Unreachable, 0, len(c.found))
	for _, u := range c.found {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b Unreachable) int { return strings.Compare(a.Audience, b.Audience) })
	return list
}
