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
	countParents = 500 // living tokens of our own whose descendants are counted
)

// unreachable counts the living tokens for third parties that a cut-off is about, by the record. The second result says
// that there may be more. Signed is the key that is cut off, where it is one.
func (s *Service) unreachable(ctx context.Context, caller identity.Identity, t Target, signed keys.Stored) ([]Unreachable, bool, error) {
	now := s.c.Now()
	life, err := s.lifespan(ctx, caller.Tenant().ID)
	if err != nil {
		return nil, false, err
	}
	c := count{service: s, pages: countAtMost, issuer: caller.Tenant().Issuer, now: now, found: map[string]*Unreachable{}, counted: map[string]bool{}, query: audit.Query{
		WorkspaceID: caller.Tenant().ID, Since: now.Add(-life), Kinds: []audit.Kind{audit.TokenIssued}, Limit: countEvents,
	}}
	if c.whole, err = c.isWhole(ctx, life); err != nil {
		return nil, false, err
	}
	switch t.named() {
	case "key":
		err = c.byKey(ctx, signed)
	case "subject":
		err = c.bySubject(ctx, caller.Tenant(), t)
	case "issuer":
		err = c.of(ctx, c.query, ofIssuer(identity.IssuerHash(t.Issuer)))
	case "token":
		err = c.byToken(ctx, t.Token)
	default:
		q := c.query
		q.Trust = t.Trust
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
	whole      bool        // no event of theirs is of an earlier release
	found      map[string]*Unreachable
	counted    map[string]bool // descendants
	pages      int             // that may still be read for the present question
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
	if c.whole {
		q.Actor = cut.Value
	}
	return c.of(ctx, q, func(e audit.Event) bool { return e.Subject != cut.Value && slices.Contains(e.Act, cut.Value) })
}

// byKey counts the tokens that a key signed. Each token has one, so that no index has them: the record is looked through for
// the time in which it may have signed. Whoever verifies by himself refuses these tokens once he asks for the keys again.
func (c *count) byKey(ctx context.Context, key keys.Stored) error {
	q := c.query
	q.Kinds = []audit.Kind{audit.TokenIssued, audit.TokenReissued}
	from, to := key.Signed()
	if q.Until = to; from.After(q.Since) {
		q.Since = from
	}
	reissued := map[string]bool{} // what it signed again, which is met before what it signed first
	return c.of(ctx, q, func(e audit.Event) bool {
		c.incomplete = c.incomplete || e.Token.KeyID == "" && !c.whole
		if e.Token.KeyID != key.ID || reissued[e.Token.ID] {
			return false
		}
		if e.Kind == audit.TokenReissued {
			reissued[e.Token.ID] = true
		}
		return true
	})
}

// isWhole reports whether the events of all tokens that may be alive are found by who acts in them, and name their key. Those
// that an earlier release recorded do not, until their tokens have ended; it may have run beside this one for as long as
// that again. Until then all tokens are looked through, and those without a key are counted as none.
func (c *count) isWhole(ctx context.Context, life time.Duration) (bool, error) {
	since, err := c.service.c.Record.WholeSince(ctx)
	return since.Add(2 * life).Before(c.now), err
}

// of counts the tokens of a query that are about whom is cut off.
func (c *count) of(ctx context.Context, q audit.Query, about func(audit.Event) bool) error {
	c.pages = countAtMost
	return c.living(ctx, q, func(e audit.Event) {
		if e.Token.Audience != c.issuer && about(e) {
			c.add(e.Token)
		}
	})
}

// living visits the tokens of a query that are alive.
func (c *count) living(ctx context.Context, q audit.Query, visit func(audit.Event)) error {
	for ; c.pages > 0; c.pages-- {
		entries, err := c.service.c.Record.Search(ctx, q)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			e, err := audit.Decode(entry.Body)
			switch {
			case err != nil:
				c.incomplete = true
			case e.Token != nil && e.Token.ExpiresAt.After(c.now):
				visit(e)
			}
		}
		if len(entries) < countEvents {
			return nil
		}
		q.Before = entries[len(entries)-1].ID
	}
	c.incomplete = true
	return nil
}

// add counts a token for somebody else. One that nobody signed means nothing to him but what he is told here, by introspection.
func (c *count) add(t *audit.Token) {
	if c.whole && t.Type == string(policy.AccessToken) && t.KeyID == "" {
		return
	}
	u := c.found[t.Audience]
	if u == nil {
		u = &Unreachable{Audience: t.Audience}
		c.found[t.Audience] = u
	}
	u.Count++
	if t.ExpiresAt.After(u.Latest) {
		u.Latest = t.ExpiresAt
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
