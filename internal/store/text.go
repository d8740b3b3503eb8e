package store

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"
)

// longest is the number of bytes of a text that an index holds. PostgreSQL refuses more than a third of a page, and then
// fails the whole transaction.
const longest = 1024

// storable returns ErrInvalid for text that one of the engines would refuse or cut: NUL bytes, and what is not UTF-8.
func storable(texts ...string) error {
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			return fmt.Errorf("%w: text with a NUL byte or invalid UTF-8", ErrInvalid)
		}
	}
	return nil
}

// indexable is storable for text that is looked up.
func indexable(texts ...string) error {
	for _, text := range texts {
		if len(text) > longest {
			return fmt.Errorf("%w: %d bytes where %d are the most", ErrInvalid, len(text), longest)
		}
	}
	return storable(texts...)
}

const digestSize = 16

// digest returns what an event's text is found by: nothing for nothing. Some of these texts are a stranger's, and none of
// them must be able to fail the transaction that it shares with others.
func digest(text string) []byte {
	if text == "" {
		return []byte{}
	}
	sum := sha256.Sum256([]byte(text))
	return sum[:digestSize]
}
