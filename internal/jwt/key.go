package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
)

// Key is a public key that verifies tokens.
type Key struct {
	ID        string           // the kid; may be empty
	Algorithm Algorithm        // the only one it may be used with; "" is every one that fits its type
	Public    crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey

	thumbprint string // where it was made before
}

// Thumbprinted returns the key with its thumbprint made, for one that is used many times.
func (k Key) Thumbprinted() Key {
	k.thumbprint = k.Thumbprint()
	return k
}

// Accepts reports whether tokens of the algorithm may be verified with the key: the key's type, curve and size decide,
// and its own algorithm where it has one (RFC 8725 §3.1).
func (k Key) Accepts(a Algorithm) bool {
	if k.Algorithm != "" && k.Algorithm != a {
		return false
	}
	m, ok := methods[a]
	return ok && m.fits(k.Public)
}

// jwk is a public key as JSON. The members that RFC 7638 §3.2 and RFC 8037 §2 require come first, in the order that a
// thumbprint wants.
type jwk struct {
	Curve    string `json:"crv,omitempty"`
	Exponent string `json:"e,omitempty"`
	Type     string `json:"kty"`
	Modulus  string `json:"n,omitempty"`
	X        string `json:"x,omitempty"`
	Y        string `json:"y,omitempty"`

	ID        string    `json:"kid,omitempty"`
	Algorithm Algorithm `json:"alg,omitempty"`
	Use       string    `json:"use,omitempty"`
}

// required returns the members that are the key itself.
func (k Key) required() (jwk, error) {
	switch key := k.Public.(type) {
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		if err != nil {
			return jwk{}, fmt.Errorf("jwt: public key: %w", err)
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		return jwk{Type: "EC", Curve: key.Params().Name, X: text64(x), Y: text64(y)}, nil
	case *rsa.PublicKey:
		e := big.NewInt(int64(key.E))
		return jwk{Type: "RSA", Modulus: text64(key.N.Bytes()), Exponent: text64(e.Bytes())}, nil
	case ed25519.PublicKey:
		return jwk{Type: "OKP", Curve: "Ed25519", X: text64(key)}, nil
	}
	return jwk{}, fmt.Errorf("jwt: a public key of type %T", k.Public)
}

func text64(b []byte) string { return encoding.EncodeToString(b) }

// Thumbprint returns the RFC 7638 SHA-256 thumbprint of the key, or "" for a key of an unknown type.
func (k Key) Thumbprint() string {
	if k.thumbprint != "" {
		return k.thumbprint
	}
	required, err := k.required()
	if err != nil {
		return ""
	}
	document, _ := json.Marshal(required) // texts alone: it cannot fail
	sum := sha256.Sum256(document)
	return text64(sum[:])
}

// JWK returns the key as JSON (RFC 7517 §4), for signatures only.
func (k Key) JWK() ([]byte, error) {
	all, err := k.required()
	if err != nil {
		return nil, err
	}
	all.ID, all.Algorithm, all.Use = k.ID, k.Algorithm, "sig"
	return json.Marshal(all)
}
