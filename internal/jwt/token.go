package jwt

import (
	"fmt"
	"strings"
)

// Token is a well-formed signed token. Nothing in it is true before Verify has returned nil.
type Token struct {
	Header Header
	Claims *Claims

	raw       string
	signed    int // bytes of raw that are signed: header, dot, payload
	signature []byte
}

// Parse reads a compact token: three parts of unpadded base64url (RFC 7515 §7.1), of which the first two are JSON
// objects. It fails with ErrTooLarge, ErrMalformed or ErrAlgorithm, and verifies nothing.
func Parse(raw string) (*Token, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: a token of %d bytes", ErrTooLarge, len(raw))
	}
	first, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	if first == last || strings.IndexByte(raw[first+1:last], '.') >= 0 {
		return nil, malformed("not three parts")
	}
	t := &Token{raw: raw, signed: last}
	if err := t.read(raw[:first], raw[first+1:last], raw[last+1:]); err != nil {
		return nil, err
	}
	return t, nil
}

// read decodes the three parts, the header first: its algorithm decides whether the rest is worth a look.
func (t *Token) read(header, payload, signature string) error {
	document, err := decode(header)
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if t.Header, err = parseHeader(string(document)); err != nil {
		return err
	}
	if document, err = decode(payload); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	if t.Claims, err = parseClaims(string(document)); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	if t.signature, err = decode(signature); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	return nil
}

// decode reads base64url in the one way that there is to write it (RFC 7515 §2): no padding, no stray bits, no line ends
// (which Go's decoder would skip). Two texts of one token would be two tokens to whoever compares texts.
func decode(part string) ([]byte, error) {
	if part == "" {
		return nil, malformed("an empty part")
	}
	out, err := encoding.DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return nil, malformed("not unpadded base64url")
	}
	return out, nil
}

// Raw returns the compact token as it came.
func (t *Token) Raw() string { return t.raw }

// Verify checks the token's signature with the key. It fails with ErrAlgorithm where the token's algorithm is not one
// for this key (RFC 8725 §3.1), with ErrSignature where the signature is not this key's.
func (t *Token) Verify(k Key) error {
	if !k.Accepts(t.Header.Algorithm) {
		return fmt.Errorf("%w: %s is not for this key", ErrAlgorithm, t.Header.Algorithm)
	}
	if !methods[t.Header.Algorithm].verifies(k.Public, []byte(t.raw[:t.signed]), t.signature) {
		return ErrSignature
	}
	return nil
}
