// Package jwt reads and writes signed JSON Web Tokens in the one form that nsc knows: the compact serialization of
// RFC 7515 with an asymmetric signature.
//
// Everything that a stranger sends passes three gates, in this order: its size, its form (exactly three parts of
// strict base64url, two JSON objects without a duplicate name), its algorithm. Only then does anybody look at what it
// says, and nobody may believe it before Verify. A key is bound to the algorithms that fit its type; no token chooses
// how it is checked (RFC 8725 §3.1), and nothing in a token says where its key is.
//
// The JSON is read by a scanner of our own, in one pass and without maps. Go's decoder would let "ISS" overwrite
// "iss" and the last of two equal names win; whoever read the same token otherwise would see another caller.
//
// The package does not know what time it is, which issuers are trusted or what claims mean: that is identity's.
package jwt

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// MaxSize is the number of bytes that a compact token, or a claims document, may have.
const MaxSize = 16 << 10

// What is wrong with a token or a document. Errors of this package wrap one of them and say what exactly; their text
// never repeats what a stranger wrote.
var (
	ErrTooLarge  = errors.New("jwt: too large")
	ErrMalformed = errors.New("jwt: malformed")
	ErrAlgorithm = errors.New("jwt: algorithm not accepted")
	ErrSignature = errors.New("jwt: signature does not verify")
)

// encoding is base64url without padding and without stray bits at the end; see decode for what it lets through.
var encoding = base64.RawURLEncoding.Strict()

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
