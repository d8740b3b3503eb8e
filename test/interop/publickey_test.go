package interop

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// A publicKey is a JSON Web Key of the kinds that sign tokens (RFC 7517, RFC 7518 §6, RFC 8037 §2).
type publicKey struct {
	Kind      string `json:"kty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	Curve     string `json:"crv,omitempty"`
	X         octets `json:"x,omitempty"`
	Y         octets `json:"y,omitempty"`
	N         octets `json:"n,omitempty"`
	E         octets `json:"e,omitempty"`
}

// octets are base64url without padding.
type octets []byte

func (o octets) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, o), nil
}

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	return err
}

func (k publicKey) decode() (any, error) {
	switch k.Kind + " " + k.Curve {
	case "RSA ":
		return &rsa.PublicKey{N: new(big.Int).SetBytes(k.N), E: int(new(big.Int).SetBytes(k.E).Int64())}, nil
	case "EC P-256":
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, k.X, k.Y))
	case "OKP Ed25519":
		if len(k.X) != ed25519.PublicKeySize {
			return nil, errors.New("an Ed25519 key of the wrong size")
		}
		return ed25519.PublicKey(k.X), nil
	}
	return nil, fmt.Errorf("a key of kind %q on curve %q", k.Kind, k.Curve)
}

// encode returns the JWK of a P-256 key that signs by ES256.
func encode(id string, key *ecdsa.PublicKey) (publicKey, error) {
	point, err := key.Bytes() // 4, x, y
	if err != nil {
		return publicKey{}, err
	}
	return publicKey{Kind: "EC", ID: id, Algorithm: "ES256", Use: "sig", Curve: "P-256", X: point[1:33], Y: point[33:]}, nil
}
