package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Trusts are all trust relationships of one workspace in one issuer, indexed by subject: literal subjects by their
// text, patterns by the text before their first star. It is immutable; a change makes a new one.
type Trusts struct {
	byText   []*Compiled // sorted by the subject pattern's text
	byID     map[string]*Compiled
	literal  map[string][]*Compiled
	byPrefix map[string][]*Compiled
	lengths  []int // of the prefixes there are, ascending
}

// NewTrusts indexes the trusts.
func NewTrusts(all []*Compiled) *Trusts {
	t := &Trusts{
		byText:   slices.SortedFunc(slices.Values(all), byText),
		byID:     make(map[string]*Compiled, len(all)),
		literal:  map[string][]*Compiled{},
		byPrefix: map[string][]*Compiled{},
	}
	for _, c := range t.byText {
		t.byID[c.ref.ID] = c
		if c.subject.Literal() {
			t.literal[c.subject.Text()] = append(t.literal[c.subject.Text()], c)
			continue
		}
		prefix := c.subject.Prefix()
		t.byPrefix[prefix] = append(t.byPrefix[prefix], c)
	}
	for prefix := range t.byPrefix {
		t.lengths = append(t.lengths, len(prefix))
	}
	slices.Sort(t.lengths)
	t.lengths = slices.Compact(t.lengths)
	return t
}

func byText(a, b *Compiled) int {
	return cmp.Or(strings.Compare(a.subject.Text(), b.subject.Text()), strings.Compare(a.ref.ID, b.ref.ID))
}

// Len returns how many there are.
func (t *Trusts) Len() int {
	if t == nil {
		return 0
	}
	return len(t.byText)
}

// candidates returns the trusts whose subject pattern matches, in the order of their IDs; where one is named, it alone.
func (t *Trusts) candidates(subject, named string) []*Compiled {
	if t == nil {
		return nil
	}
	if named != "" {
		if c, ok := t.byID[named]; ok && c.subject.Match(subject) {
			return []*Compiled{c}
		}
		return nil
	}
	out := slices.Clone(t.literal[subject])
	for _, n := range t.lengths {
		if n >= len(subject) { // a star takes at least one byte
			break
		}
		for _, c := range t.byPrefix[subject[:n]] {
			if c.subject.Match(subject) {
				out = append(out, c)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Compiled) int { return strings.Compare(a.ref.ID, b.ref.ID) })
	return out
}

// nearest returns up to n trusts, best guesses at what a subject without a match was meant for: the named one, or those
// whose patterns stand next to the subject in the order of texts, which are those with most in common from the start.
func (t *Trusts) nearest(subject, named string, n int) []*Compiled {
	if t == nil {
		return nil
	}
	if c, ok := t.byID[named]; ok {
		return []*Compiled{c}
	}
	i, _ := slices.BinarySearchFunc(t.byText, subject, func(c *Compiled, s string) int {
		return strings.Compare(c.subject.Text(), s)
	})
	low, high := max(0, i-n/2), min(len(t.byText), i+n/2)
	near := slices.Clone(t.byText[low:high])
	slices.SortStableFunc(near, func(a, b *Compiled) int {
		return cmp.Compare(common(b.subject.Text(), subject), common(a.subject.Text(), subject))
	})
	return near
}

// common returns the length of the common beginning.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// foreign reports whether a trust is of another workspace or in another issuer than the caller's token. NewTrusts is
// given the right ones; that this holds is checked where it matters.
func (c *Compiled) foreign(caller Claimant) bool {
	return c.workspaceID != caller.Tenant().ID || c.issuer != caller.Issuer()
}
