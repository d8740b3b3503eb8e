// Package credentials keeps what nsc signed in with: which file holds a sign-in, how it is read and how it is replaced.
//
// A file is found in this order: the keychain that was asked for, the file that NSC_TOKEN_FILE names, the workload's
// file, the user's own. It is JSON, {"bearer_token": "...", "session_token": "..."}, readable by its owner alone, and
// replaced atomically, so that no reader ever sees half of it. Only the user's folder is ever written, under a lock that
// all processes share: of those that find a sign-in about to end, one renews it.
//
// The package believes nothing that a bearer token says beyond which server made it: it is the server that verifies.
package credentials

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// MaxFile is the number of bytes that a file may have: two tokens of the largest size, and room.
const MaxFile = 64 << 10

// Stored is the content of a file.
type Stored struct {
	BearerToken  string `json:"bearer_token"`
	SessionToken string `json:"session_token"` // empty where there is none

	// DerivedFrom ties a token that was had by federation to the bearer token it was exchanged from (its SHA-256), so
	// that it serves whoever holds that one and nobody else. Empty for a sign-in.
	DerivedFrom string `json:"derived_from,omitempty"`
}

var (
	errEmpty     = errors.New("is empty")
	errBareToken = errors.New(`holds a bare token; it must be JSON: {"bearer_token": "...", "session_token": ""}`)
	errNotJSON   = errors.New("is not whole JSON; it may be half written")
	errOtherJSON = errors.New(`is JSON, but not what is expected: {"bearer_token": "...", "session_token": ""}`)
	errNoToken   = errors.New("has no bearer_token")
)

// Parse reads the content of a file. Its errors continue the sentence "the file …".
func Parse(content []byte) (Stored, error) {
	content = bytes.TrimSpace(content)
	switch {
	case len(content) == 0:
		return Stored{}, errEmpty
	case looksLikeToken(content):
		return Stored{}, errBareToken
	}
	var s Stored
	decoder := json.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&s)
	switch {
	case !json.Valid(content):
		return Stored{}, errNotJSON
	case err != nil:
		return Stored{}, errOtherJSON
	}
	if s.BearerToken == "" {
		return Stored{}, errNoToken
	}
	return s, nil
}

// looksLikeToken tells a compact JWT from JSON: the file was written by hand, or by another program.
func looksLikeToken(content []byte) bool {
	return bytes.HasPrefix(content, []byte("ey")) && bytes.Count(content, []byte(".")) == 2
}

// Digest returns what DerivedFrom says of a token that was exchanged from this one.
func Digest(bearerToken string) string {
	sum := sha256.Sum256([]byte(bearerToken))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
