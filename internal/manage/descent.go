package manage

import (
	"context"
	"slices"

	"github.com/nsc-federation/nsc/internal/audit"
)

// byToken counts a token and what was issued for it, for what was issued for that, and so on: all of it falls with the token
// wherever we are asked. A registered token is none of these itself. No token outlives the one that it was issued for, so
// that what has ended has no living descendants.
func (c *count) byToken(ctx context.Context, tokenID string) error {
	q := c.query
	q.TokenID = tokenID
	if err := c.of(ctx, q, anyEvent); err != nil {
		return err
	}
	c.pages = countAtMost
	seen := map[string]bool{tokenID: true}
	for parents := []string{tokenID}; len(parents) > 0; parents = parents[1:] {
		children, err := c.children(ctx, parents[0], seen)
		if err != nil {
			return err
		}
		if parents = append(parents, children...); len(seen) > countParents {
			c.incomplete = true
			return nil
		}
	}
	return nil
}

// children counts what was issued for a token, and returns what more may have been issued for: tokens of ours that are for
// ourselves. Each token is visited once, though it may have a subject and an actor that both descend from the same one.
func (c *count) children(ctx context.Context, parent string, seen map[string]bool) (ours []string, err error) {
	q := c.query
	q.Parent = parent
	err = c.living(ctx, q, func(e audit.Event) {
		switch {
		case !c.descends(e, parent):
		case e.Token.Audience != c.issuer:
			if !c.counted[e.Token.ID] {
				c.counted[e.Token.ID] = true
				c.add(e.Token)
			}
		case !seen[e.Token.ID]:
			seen[e.Token.ID] = true
			ours = append(ours, e.Token.ID)
		}
	})
	return ours, err
}

// descends reports whether a token was issued for one of ours, and not for one of another issuer that has the same ID.
func (c *count) descends(e audit.Event, parent string) bool {
	return slices.ContainsFunc([]*audit.Upstream{e.Upstream, e.Actor}, func(u *audit.Upstream) bool {
		return u != nil && u.TokenID == parent && u.Issuer == c.issuer
	})
}
