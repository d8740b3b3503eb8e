package jwt

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string (RFC 8259 §7). One without escapes, which nearly all are, is a part of the document.
func (s *scanner) text() (string, error) {
	if !s.take('"') {
		return "", s.fault("not the string that is needed")
	}
	start, ascii := s.pos, true
	for s.pos < len(s.doc) {
		switch c := s.doc[s.pos]; {
		case c == '"':
			plain := s.doc[start:s.pos]
			if !ascii && !utf8.ValidString(plain) {
				return "", s.fault("a string that is not UTF-8")
			}
			s.pos++
			return plain, nil
		case c == '\\':
			return s.escaped(start)
		case c < 0x20:
			return "", s.fault("a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		s.pos++
	}
	return "", s.fault("a string without an end")
}

// escaped reads the rest of a string that begins at start and has an escape at the scanner's position.
func (s *scanner) escaped(start int) (string, error) {
	out := []byte(s.doc[start:s.pos])
	for s.pos < len(s.doc) {
		c := s.doc[s.pos]
		s.pos++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", s.fault("a string that is not UTF-8")
			}
			return string(out), nil
		case c == '\\':
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", s.fault("a control character in a string")
		default:
			out = append(out, c)
		}
	}
	return "", s.fault("a string without an end")
}

// escape reads what follows a backslash.
func (s *scanner) escape() (rune, error) {
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.unicode()
	}
	return 0, s.fault("an unknown escape")
}

// unicode reads the digits of \uXXXX and, where they are the first half of a surrogate pair, its second half. Half
// a pair alone is no character (RFC 8259 §8.2). Neither is NUL welcome: databases and C programs end a text at it.
func (s *scanner) unicode() (rune, error) {
	r, ok := s.hex4()
	if ok && utf16.IsSurrogate(r) {
		low := rune(0)
		if s.take('\\') && s.take('u') {
			low, ok = s.hex4()
		}
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	switch {
	case !ok:
		return 0, s.fault("an escape that is no character")
	case r == 0:
		return 0, s.fault("a NUL in a string")
	}
	return r, nil
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.doc)-s.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s.doc[s.pos : s.pos+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r, true
}
