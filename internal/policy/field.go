package policy

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldError says which field of something written is wrong, by its name in the API, and what to do about it.
type FieldError struct {
	Field   string
	Problem string
}

// Error returns the field with the problem.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

func wrong(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// checkText returns what is wrong with text that must be UTF-8 of bounded size without control characters: databases
// cut at NUL or refuse it, terminals obey the others.
func checkText(text string, limit int) string {
	switch {
	case len(text) > limit:
		return fmt.Sprintf("is longer than %d bytes; shorten it", limit)
	case !utf8.ValidString(text):
		return "is not valid UTF-8; write it as UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "contains a control character; remove it"
	}
	return ""
}

// checkProse is checkText for text of several lines.
func checkProse(text string, limit int) string {
	return checkText(strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(text), limit)
}
