package grants

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of a pattern.
const (
	MaxPattern = 1024 // bytes
	MaxStars   = 16
)

const delimiters = ":/"

// Pattern is literal text with stars (rule 18). A final star directly after ':' or '/' takes all the rest, at least one
// byte. Any other star takes one or more bytes within its segment, which ':' and '/' delimit. There are no
// alternations, no character classes and no escapes: whoever reads a pattern sees what it admits.
type Pattern struct {
	text     string
	all      bool      // the lone star of a grant: everything
	segments []segment // empty for literal text
}

// segment is the part of a pattern up to a delimiter or to its end.
type segment struct {
	pieces []string // the literal text around the stars; a segment without a star is one piece
	end    byte     // the delimiter that follows, 0 at the end of the pattern
	rest   bool     // the final star that takes all the rest
}

// Compile compiles a pattern. The text of its errors continues the sentence "the pattern …".
func Compile(text string) (Pattern, error) {
	switch {
	case text == "":
		return Pattern{}, errors.New("is empty; write the literal text, with * where it may vary")
	case len(text) > MaxPattern:
		return Pattern{}, fmt.Errorf("is longer than %d bytes; shorten it", MaxPattern)
	case strings.Contains(text, "**"):
		return Pattern{}, errors.New("has two stars in a row; write one")
	case strings.Count(text, "*") > MaxStars:
		return Pattern{}, fmt.Errorf("has more than %d stars; write more of it out", MaxStars)
	}
	return Pattern{text: text, segments: split(text)}, nil
}

// split cuts a pattern into segments; literal text needs none.
func split(text string) []segment {
	if !strings.Contains(text, "*") {
		return nil
	}
	var out []segment
	for {
		i := strings.IndexAny(text, delimiters)
		if i < 0 {
			return append(out, segment{pieces: strings.Split(text, "*"), rest: text == "*" && len(out) > 0})
		}
		out = append(out, segment{pieces: strings.Split(text[:i], "*"), end: text[i]})
		text = text[i+1:]
	}
}

// Text returns the pattern as it was written.
func (p Pattern) Text() string { return p.text }

// Literal reports whether the pattern matches exactly its own text.
func (p Pattern) Literal() bool { return len(p.segments) == 0 && !p.all }

// Match reports whether the pattern matches all of s.
func (p Pattern) Match(s string) bool {
	if p.all {
		return s != ""
	}
	if len(p.segments) == 0 {
		return s == p.text && s != ""
	}
	for _, g := range p.segments {
		if g.rest {
			return s != ""
		}
		i := strings.IndexAny(s, delimiters)
		if g.end == 0 {
			return i < 0 && g.match(s)
		}
		if i < 0 || s[i] != g.end || !g.match(s[:i]) {
			return false
		}
		s = s[i+1:]
	}
	return false
}

// match reports whether one segment matches all of s. Taking each middle piece where it first occurs leaves the most
// for what follows, so nothing is ever tried twice.
func (g segment) match(s string) bool {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	if len(g.pieces) == 1 {
		return s == first
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for _, piece := range g.pieces[1 : len(g.pieces)-1] {
		if s == "" {
			return false
		}
		i := strings.Index(s[1:], piece)
		if i < 0 {
			return false
		}
		s = s[1+i+len(piece):]
	}
	return len(s) > len(last) && strings.HasSuffix(s, last)
}

// Contains reports whether everything that q matches is matched by p too. It holds q's text against p: a star in it is
// one byte that no literal of p equals, so only p's stars can take it, and they take whatever it stands for as well.
// Where q's final star takes all the rest it is a segment by itself, which nothing but such a star of p matches.
func (p Pattern) Contains(q Pattern) bool {
	if q.all {
		return p.all
	}
	return p.Match(q.text)
}

// EndsInside reports whether the pattern ends in a star that stays within its segment.
func (p Pattern) EndsInside() bool {
	return len(p.segments) > 0 && !p.segments[len(p.segments)-1].rest && strings.HasSuffix(p.text, "*")
}

// Prefix returns the literal text before the first star: what an index can narrow by.
func (p Pattern) Prefix() string {
	before, _, _ := strings.Cut(p.text, "*")
	return before
}

// Literals returns the whole segments without a star (rule 18). The scheme of a URL says nothing about whose it is and
// is left out.
func (p Pattern) Literals() []string {
	var out []string
	for i, name := range p.Parts() {
		scheme := i == 0 && strings.HasPrefix(p.text[len(name):], "://")
		if name != "" && !scheme && !strings.Contains(name, "*") {
			out = append(out, name)
		}
	}
	return out
}

// Parts returns the texts of the segments, by position, empty ones included.
func (p Pattern) Parts() []string {
	var out []string
	text := p.text
	for {
		i := strings.IndexAny(text, delimiters)
		if i < 0 {
			return append(out, text)
		}
		out = append(out, text[:i])
		text = text[i+1:]
	}
}
