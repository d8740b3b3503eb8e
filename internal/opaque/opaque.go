// Package opaque makes and reads the tokens that mean nothing by themselves: a prefix that says what they are, 256 random
// bits, and a checksum, so that scanners of logs and repositories find a leaked one without asking anybody, and a mistyped
// one costs no look-up. They are stored as their SHA-256 alone: a secret that nobody can guess needs no slow hash.
package opaque

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"hash/crc32"
	"strings"
)

// Kind is the prefix of a token.
type Kind string

// The kinds.
const (
	Access    Kind = "nsct_" // an access token; minutes long
	Revocable Kind = "nsrt_" // a registered token for what cannot federate; months long
)

const (
	secretBytes = 32
	secretText  = 52 // characters of 32 bytes
	checkText   = 7  // characters of 4 bytes
)

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrMalformed is returned for a text that was never one of these tokens.
var ErrMalformed = errors.New("opaque: not a token: its form or its checksum is wrong")

// New returns a fresh token and the hash to store.
func New(kind Kind) (token string, hash [sha256.Size]byte) {
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	token = string(kind) + encoding.EncodeToString(secret)
	token += checksum(token)
	return token, sha256.Sum256([]byte(token))
}

// checksum returns seven characters over the prefix and the secret.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	return encoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// Is reports whether a text begins like one of these tokens.
func Is(text string) bool {
	return strings.HasPrefix(text, string(Access)) || strings.HasPrefix(text, string(Revocable))
}

// Read returns the kind of a token and the hash by which it is stored.
func Read(token string) (kind Kind, hash [sha256.Size]byte, err error) {
	kind = Access
	if strings.HasPrefix(token, string(Revocable)) {
		kind = Revocable
	}
	body := len(kind) + secretText
	if len(token) != body+checkText || !Is(token) || checksum(token[:body]) != token[body:] {
		return "", hash, ErrMalformed
	}
	return kind, sha256.Sum256([]byte(token)), nil
}
