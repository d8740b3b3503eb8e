package fault

import (
	"cmp"
	"slices"
)

// Description is what is public of a code.
type Description struct {
	Code   Code
	Status int    // of HTTP
	OAuth  string // the error that it is at the token endpoint (RFC 6749 §5.2)
	Text   string // where the request itself gives nothing more exact to say
}

// Describe returns what is public of a code. What is none is Internal.
func Describe(code Code) Description {
	r, ok := table[code]
	if !ok {
		code, r = Internal, table[Internal]
	}
	return Description{code, r.status, r.oauth, r.text}
}

// Descriptions returns all codes in the order of their names, for the reference.
func Descriptions() []Description {
	all := make([]Description, 0, len(table))
	for code := range table {
		all = append(all, Describe(code))
	}
	slices.SortFunc(all, func(a, b Description) int { return cmp.Compare(a.Code, b.Code) })
	return all
}
