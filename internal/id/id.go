// Package id makes the identifiers of everything that has one: workspaces, trusts, keys, events and tokens.
//
// An identifier is 128 bits, 48 of milliseconds since 1970 and 80 random, so that rows stored by it append and
// nobody can guess one. Its text is 26 characters of lower-case unpadded base32 (RFC 4648 §6).
package id

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"time"
)

// Length is the number of characters in the text of an identifier.
const Length = 26

// Size is the number of bytes in the binary form of an identifier.
const Size = 16

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

var errForm = errors.New("id: not 26 characters of lower-case base32")

// New returns a fresh identifier made at the given time.
func New(now time.Time) string {
	var b [Size]byte
	rand.Read(b[6:])
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return Text(b)
}

// Text returns the text of 128 bits.
func Text(b [Size]byte) string {
	var out [Length]byte
	encoding.Encode(out[:], b[:])
	return string(out[:])
}

// Bytes returns the 128 bits that the text stands for. Their order is the order of creation, which that of the
// texts is not (base32 puts digits after letters).
func Bytes(text string) ([Size]byte, error) {
	var b [Size]byte
	if len(text) != Length {
		return b, errForm
	}
	if _, err := encoding.Decode(b[:], []byte(text)); err != nil {
		return b, errForm
	}
	if Text(b) != text { // two spare bits at the end: one text per identifier
		return b, errForm
	}
	return b, nil
}

// Valid reports whether text is an identifier.
func Valid(text string) bool {
	_, err := Bytes(text)
	return err == nil
}

// Time returns when an identifier was made, to the millisecond.
func Time(text string) (time.Time, error) {
	b, err := Bytes(text)
	if err != nil {
		return time.Time{}, err
	}
	var ms int64
	for _, x := range b[:6] {
		ms = ms<<8 | int64(x)
	}
	return time.UnixMilli(ms).UTC(), nil
}
