package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"strings"
)

// errUnusable marks a well-formed JSON value that is not a key for verifying tokens here.
var errUnusable = errors.New("jwt: no key for verifying tokens")

// field says where a member of a JWK goes, or nil for members that are ignored, certificates among them: a key
// is believed because of where it was fetched.
func (k *jwk) field(name string) *string {
	switch name {
	case "kty":
		return &k.Type
	case "crv":
		return &k.Curve
	case "x":
		return &k.X
	case "y":
		return &k.Y
	case "n":
		return &k.Modulus
	case "e":
		return &k.Exponent
	case "kid":
		return &k.ID
	case "alg":
		return (*string)(&k.Algorithm)
	case "use":
		return &k.Use
	}
	return nil
}

// key reads one key of a set. It fails with errUnusable where the set may well have it, with another error where the
// document is broken.
func (s *scanner) key() (Key, error) {
	if s.peek() != '{' {
		if err := s.skip(); err != nil {
			return Key{}, err
		}
		return Key{}, errUnusable
	}
	var parsed jwk
	usable := true
	err := s.object(func(name string) (err error) {
		field := parsed.field(name)
		switch {
		case name == "key_ops":
			var verifies bool
			verifies, err = s.verifies()
			usable = usable && verifies
		case field != nil && s.peek() == '"':
			*field, err = s.text()
		default:
			usable = usable && field == nil
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return Key{}, err
	}
	if !usable {
		return Key{}, errUnusable
	}
	return parsed.decode()
}

// verifies reads key_ops (RFC 7517 §4.3) and reports whether verifying is among them.
func (s *scanner) verifies() (bool, error) {
	value, err := s.value()
	list, _ := value.([]any)
	return slices.Contains(list, any("verify")), err
}

// decode turns the texts into a key.
func (k *jwk) decode() (Key, error) {
	public, ok := k.public()
	key := Key{ID: strings.Clone(k.ID), Algorithm: Algorithm(strings.Clone(string(k.Algorithm))), Public: public}
	if !ok || k.Use != "" && k.Use != "sig" || !key.fitsSomething() {
		return Key{}, errUnusable
	}
	return key.Thumbprinted(), nil
}

// fitsSomething reports whether the key accepts its own algorithm, or one at all.
func (k Key) fitsSomething() bool {
	for a := range methods {
		if k.Accepts(a) {
			return true
		}
	}
	return false
}

func (k *jwk) public() (crypto.PublicKey, bool) {
	switch {
	case k.Type == "EC" && k.Curve == "P-256":
		return k.point(elliptic.P256(), 32)
	case k.Type == "EC" && k.Curve == "P-384":
		return k.point(elliptic.P384(), 48)
	case k.Type == "EC" && k.Curve == "P-521":
		return k.point(elliptic.P521(), 66)
	case k.Type == "RSA":
		return k.rsa()
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x := bytes64(k.X)
		return ed25519.PublicKey(x), onEdwards25519(x)
	}
	return nil, false
}

// point decodes coordinates of the curve's full width (RFC 7518 §6.2.1.2) that lie on the curve.
func (k *jwk) point(curve elliptic.Curve, width int) (crypto.PublicKey, bool) {
	x, y := bytes64(k.X), bytes64(k.Y)
	if len(x) != width || len(y) != width {
		return nil, false
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	return public, err == nil
}

// rsa decodes modulus and exponent (RFC 7518 §6.3.1). An exponent of 1 would make every signature its own message.
func (k *jwk) rsa() (crypto.PublicKey, bool) {
	n, e := new(big.Int).SetBytes(bytes64(k.Modulus)), new(big.Int).SetBytes(bytes64(k.Exponent))
	if n.Bit(0) == 0 || e.Bit(0) == 0 || e.BitLen() < 2 || e.BitLen() > 31 {
		return nil, false
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, true
}

// bytes64 decodes base64url, or returns nil, which is no coordinate, modulus or exponent.
func bytes64(text string) []byte {
	out, err := decode(text)
	if err != nil {
		return nil
	}
	return out
}

// onEdwards25519 reports whether 32 bytes are the encoding of a point (RFC 8032 §5.1.3): below the prime, and x² = u/v
// has a root. crypto/ed25519 would only say so at each token.
func onEdwards25519(encoded []byte) bool {
	if len(encoded) != ed25519.PublicKeySize {
		return false
	}
	bigEndian := slices.Clone(encoded)
	slices.Reverse(bigEndian)
	bigEndian[0] &= 0x7f // the sign of x
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665))
	y := new(big.Int).SetBytes(bigEndian)
	if y.Cmp(p) >= 0 {
		return false
	}
	yy := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(yy, one)
	v := new(big.Int).Add(d.Mul(d, yy), one)
	uv := u.Mul(u, v)
	return big.Jacobi(uv.Mod(uv, p), p) >= 0
}
