package jwt

import (
	"fmt"
	"slices"
)

// Bounds of every document. They are far above what issuers write and keep the cost of a hostile one small.
const (
	maxDepth   = 16  // objects and arrays inside each other, the outermost counted
	maxMembers = 256 // names in one object
)

// scanner reads one JSON text (RFC 8259) in a single pass. It refuses what RFC 8259 leaves to the reader and readers
// disagree about: names that occur twice in an object (§4, compared after unescaping), text that is not Unicode (§8.1,
// §8.2), numbers that no double holds (§6).
//
// The names of all objects that are open lie on one stack, those of the innermost last: no maps, and no memory of its
// own for each object. Names are compared by fingerprint first, so that 256 of them cost little.
type scanner struct {
	doc          string
	pos          int
	depth        int
	checked      bool // before: names are not compared again
	fingerprints []uint32
	names        []string
}

// scan returns a scanner with room for the names of an ordinary document.
func scan(document string) scanner {
	return scanner{doc: document, names: make([]string, 0, 32), fingerprints: make([]uint32, 0, 32)}
}

func (s *scanner) fault(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, s.pos)
}

// document reads the whole text as one object. It calls member for every name with the scanner at the name's value,
// which member must read.
func (s *scanner) document(member func(name string) error) error {
	s.space()
	if err := s.object(member); err != nil {
		return err
	}
	s.space()
	if s.pos != len(s.doc) {
		return s.fault("something follows the object")
	}
	return nil
}

func (s *scanner) object(member func(name string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	base := len(s.names)
	for first := true; !s.closed('}'); first = false {
		if err := s.separator(first); err != nil {
			return err
		}
		name, err := s.name(base)
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	s.names, s.fingerprints = s.names[:base], s.fingerprints[:base]
	return nil
}

func (s *scanner) array(element func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for first := true; !s.closed(']'); first = false {
		if err := s.separator(first); err != nil {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
	return nil
}

// name reads a name and its colon. The names of the object that it belongs to begin at base.
func (s *scanner) name(base int) (string, error) {
	name, err := s.text()
	if err != nil {
		return "", err
	}
	if len(s.names)-base == maxMembers {
		return "", s.fault("more than 256 names in one object")
	}
	if !s.checked {
		mark := fingerprint(name)
		if slices.Contains(s.fingerprints[base:], mark) && slices.Contains(s.names[base:], name) {
			return "", s.fault("a name occurs twice in one object")
		}
		s.names, s.fingerprints = append(s.names, name), append(s.fingerprints, mark)
	}
	s.space()
	if !s.take(':') {
		return "", s.fault("a name without a colon")
	}
	s.space()
	return name, nil
}

// fingerprint is FNV-1a. Whoever makes names collide gains a comparison of texts, nothing else.
func fingerprint(name string) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// skip reads any value and forgets it.
func (s *scanner) skip() error {
	switch s.peek() {
	case '{':
		return s.object(func(string) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, err := s.text()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	_, err := s.number()
	return err
}

func (s *scanner) literal(word string) error {
	if len(s.doc)-s.pos < len(word) || s.doc[s.pos:s.pos+len(word)] != word {
		return s.fault("no value")
	}
	s.pos += len(word)
	return nil
}

// open enters an object or an array.
func (s *scanner) open(bracket byte) error {
	if !s.take(bracket) {
		return s.fault("not the object or array that is needed")
	}
	if s.depth++; s.depth > maxDepth {
		return s.fault("objects and arrays deeper than 16")
	}
	s.space()
	return nil
}

// closed leaves an object or an array where it ends.
func (s *scanner) closed(bracket byte) bool {
	s.space()
	if !s.take(bracket) {
		return false
	}
	s.depth--
	return true
}

// separator reads the comma before every entry but the first.
func (s *scanner) separator(first bool) error {
	if !first {
		if !s.take(',') {
			return s.fault("no comma between two entries")
		}
		s.space()
	}
	return nil
}

// space passes over the four characters of RFC 8259 §2.
func (s *scanner) space() {
	for {
		switch s.peek() {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end; a byte 0 in the text is nowhere allowed.
func (s *scanner) peek() byte {
	if s.pos < len(s.doc) {
		return s.doc[s.pos]
	}
	return 0
}

func (s *scanner) take(b byte) bool {
	if s.pos < len(s.doc) && s.doc[s.pos] == b {
		s.pos++
		return true
	}
	return false
}
