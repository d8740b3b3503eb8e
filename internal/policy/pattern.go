package policy

import (
	"errors"
	"strings"
)

const (
	maxPattern = 1024 // bytes
	maxStars   = 16
	delimiters = ":/"
)

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

// CompileSubject compiles a pattern for the subjects of tokens. It judges the form alone: whether the pattern names
// enough is judged with the condition beside it (Check). The warnings are for whoever writes the pattern.
func CompileSubject(text string) (Pattern, []string, error) {
	p, err := compilePattern(text)
	if err != nil {
		return Pattern{}, nil, err
	}
	if p.endsInside() {
		return p, []string{"the final * stands within a segment: it also admits every longer name that begins the " +
			"same (api* admits api-evil); end with :* or /* to admit what is below, or write the name out"}, nil
	}
	return p, nil, nil
}

// CompileAudience compiles a pattern for audiences. A final star within a segment is an error, because
// https://api.example.com* also admits https://api.example.com.evil.example.
func CompileAudience(text string) (Pattern, error) {
	p, err := compilePattern(text)
	if err != nil {
		return Pattern{}, err
	}
	if p.endsInside() {
		return Pattern{}, errors.New("ends in a * within a segment, which also admits other hosts and names that begin " +
			"the same; end with /* or :* or write the name out")
	}
	return p, nil
}

func compilePattern(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, errors.New("is empty; write the literal text, with * where it may vary")
	}
	if problem := checkText(text, maxPattern); problem != "" {
		return Pattern{}, errors.New(problem)
	}
	if strings.Contains(text, "**") {
		return Pattern{}, errors.New("has two stars in a row; write one")
	}
	if strings.Count(text, "*") > maxStars {
		return Pattern{}, errors.New("has more than 16 stars; write more of it out")
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

// contains reports whether everything that q matches is matched by p too. It holds q's text against p: a star in it is
// one byte that no literal of p equals, so only p's stars can take it, and they take whatever it stands for as well.
// Where q's final star takes all the rest it is a segment by itself, which nothing but such a star of p matches.
func (p Pattern) contains(q Pattern) bool {
	if q.all {
		return p.all
	}
	return p.Match(q.text)
}

// endsInside reports whether the pattern ends in a star that stays within its segment.
func (p Pattern) endsInside() bool {
	return len(p.segments) > 0 && !p.segments[len(p.segments)-1].rest && strings.HasSuffix(p.text, "*")
}

// prefix returns the literal text before the first star: what an index can narrow by.
func (p Pattern) prefix() string {
	before, _, _ := strings.Cut(p.text, "*")
	return before
}

// literals returns the whole segments without a star (rule 18). The scheme of a URL says nothing about whose it is and
// is left out.
func (p Pattern) literals() []string {
	var out []string
	for i, name := range p.parts() {
		scheme := i == 0 && strings.HasPrefix(p.text[len(name):], "://")
		if name != "" && !scheme && !strings.Contains(name, "*") {
			out = append(out, name)
		}
	}
	return out
}

// parts returns the texts of the segments, by position, empty ones included.
func (p Pattern) parts() []string {
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
