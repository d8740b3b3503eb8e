package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the table below
	_ "crypto/sha512"
)

// Algorithm names how a token is signed (RFC 7518 §3.1, RFC 8037 §3.1). Only those below exist here: none and the HMACs
// do not.
type Algorithm string

// The algorithms that are accepted.
const (
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	EdDSA Algorithm = "EdDSA"
)

// RSA keys outside this range are too weak, or too slow to check (RFC 7518 §3.3 sets the lower end).
const (
	minRSABits = 2048
	maxRSABits = 8192
)

type family uint8

const (
	ecdsaFamily family = iota + 1
	pkcs1Family
	pssFamily
	eddsaFamily
)

// method is what an algorithm's name stands for.
type method struct {
	family family
	hash   crypto.Hash
	curve  elliptic.Curve // ECDSA
	width  int            // ECDSA: bytes of r, and of s (RFC 7518 §3.4)
}

var methods = map[Algorithm]method{
	ES256: {ecdsaFamily, crypto.SHA256, elliptic.P256(), 32},
	ES384: {ecdsaFamily, crypto.SHA384, elliptic.P384(), 48},
	ES512: {ecdsaFamily, crypto.SHA512, elliptic.P521(), 66},
	RS256: {family: pkcs1Family, hash: crypto.SHA256},
	RS384: {family: pkcs1Family, hash: crypto.SHA384},
	RS512: {family: pkcs1Family, hash: crypto.SHA512},
	PS256: {family: pssFamily, hash: crypto.SHA256},
	PS384: {family: pssFamily, hash: crypto.SHA384},
	PS512: {family: pssFamily, hash: crypto.SHA512},
	EdDSA: {family: eddsaFamily},
}

// fits reports whether the public key is of the type, curve and size that the method is for.
func (m method) fits(public crypto.PublicKey) bool {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return m.family == ecdsaFamily && key.Curve == m.curve
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return (m.family == pkcs1Family || m.family == pssFamily) && bits >= minRSABits && bits <= maxRSABits
	case ed25519.PublicKey:
		return m.family == eddsaFamily && len(key) == ed25519.PublicKeySize
	}
	return false
}

// digest returns what the key signs: the hash of the signing input, or the input itself (Ed25519 hashes by itself).
func (m method) digest(input []byte) []byte {
	if m.family == eddsaFamily {
		return input
	}
	h := m.hash.New()
	h.Write(input)
	return h.Sum(nil)
}

// options returns what crypto.Signer wants to know beside the digest. The salt of RSA-PSS is as long as the hash
// (RFC 7518 §3.5).
func (m method) options() crypto.SignerOpts {
	if m.family == pssFamily {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.hash}
	}
	return m.hash
}
