package preset

import (
	"strconv"
	"strings"
)

// literal returns a CEL string literal of a value. The forms let nothing through that would need an escape; that it is
// quoted nevertheless is what makes injection impossible and not only absent.
func literal(value string) string { return strconv.QuoteToASCII(value) }

// claim returns the CEL expression for a claim, or for a member of one: claims.ref, claims["kubernetes.io"].namespace.
func claim(path ...string) string {
	var b strings.Builder
	b.WriteString("claims")
	for _, name := range path {
		if identifier(name) {
			b.WriteString("." + name)
			continue
		}
		b.WriteString("[" + literal(name) + "]")
	}
	return b.String()
}

// identifier reports whether CEL takes a name after a dot. The names are our own; none is a reserved word.
func identifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// equal returns the conjunct that pins a claim to a value.
func equal(value string, path ...string) string { return claim(path...) + " == " + literal(value) }
