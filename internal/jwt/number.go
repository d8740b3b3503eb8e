package jwt

import (
	"math"
	"strconv"
	"strings"
)

// number reads a number (RFC 8259 §6) and returns it as written. Where a double might not hold it, it must be
// shown to: whoever decodes the document later, with whatever library, gets a number.
func (s *scanner) number() (string, error) {
	start := s.pos
	s.take('-')
	if !s.take('0') && !s.digits() {
		return "", s.fault("no value")
	}
	if s.take('.') && !s.digits() {
		return "", s.fault("a decimal point without digits")
	}
	exponent := s.take('e') || s.take('E')
	if exponent {
		_ = s.take('+') || s.take('-')
		if !s.digits() {
			return "", s.fault("an exponent without digits")
		}
	}
	literal := s.doc[start:s.pos]
	if exponent || len(literal) > 300 {
		if _, err := strconv.ParseFloat(literal, 64); err != nil {
			return "", s.fault("a number out of range")
		}
	}
	return literal, nil
}

// digits reads one digit or more.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.doc) && s.doc[s.pos] >= '0' && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// seconds returns the whole seconds of a NumericDate (RFC 7519 §2), fractions cut off. It fails where they do not
// fit int64 (rule 14), and on exponents of three digits, which no date has: nobody makes us count zeros.
func seconds(literal string) (int64, bool) {
	digits, negative := strings.CutPrefix(literal, "-")
	exponent := int64(0)
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.ParseInt(digits[i+1:], 10, 8); err != nil {
			return 0, false
		}
		digits = digits[:i]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	n := int64(0) // counted downwards: the negative side is the longer one
	for i := range len(whole) + int(exponent) {
		d := int64(digitAt(whole, fraction, i))
		if n < (math.MinInt64+d)/10 {
			return 0, false
		}
		n = n*10 - d
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}

// digitAt returns the digit at a place, counted from the first one of the whole part; zero behind the last.
func digitAt(whole, fraction string, i int) byte {
	switch {
	case i < len(whole):
		return whole[i] - '0'
	case i-len(whole) < len(fraction):
		return fraction[i-len(whole)] - '0'
	}
	return 0
}
