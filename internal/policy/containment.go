package policy

import (
	"slices"
	"strings"
)

// contains reports whether everything that q matches is matched by p too. It is conservative: where it cannot tell, it
// says no, and the writer has to spell the grant out.
func (p Pattern) contains(q Pattern) bool {
	switch {
	case p.all:
		return true
	case q.all:
		return false
	case p.text == q.text:
		return true
	case q.Literal():
		return p.Match(q.text)
	case p.Literal():
		return false
	}
	for i, g := range p.segments {
		if i >= len(q.segments) {
			return false
		}
		h := q.segments[i]
		if g.rest {
			return h.fills()
		}
		if h.rest || g.end != h.end || !g.contains(h) {
			return false
		}
	}
	return len(p.segments) == len(q.segments)
}

// fills reports whether a pattern that goes on with this segment always has at least one byte left to match.
func (g segment) fills() bool { return g.rest || g.end != 0 || len(g.pieces) > 1 || g.pieces[0] != "" }

// contains is the same for one segment. Of patterns with several stars only equals are told.
func (g segment) contains(h segment) bool {
	switch {
	case len(h.pieces) == 1:
		return g.match(h.pieces[0])
	case len(g.pieces) == 2:
		return strings.HasPrefix(h.pieces[0], g.pieces[0]) && strings.HasSuffix(h.pieces[len(h.pieces)-1], g.pieces[1])
	}
	return slices.Equal(g.pieces, h.pieces)
}
