package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
)

// verifies reports whether the signature over the input is the key's. The key fits the method.
func (m method) verifies(public crypto.PublicKey, input, signature []byte) bool {
	digest := m.digest(input)
	switch m.family {
	case ecdsaFamily:
		return m.verifiesECDSA(public.(*ecdsa.PublicKey), digest, signature)
	case pkcs1Family:
		return rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), m.hash, digest, signature) == nil
	case pssFamily:
		options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(public.(*rsa.PublicKey), m.hash, digest, signature, options) == nil
	default:
		return ed25519.Verify(public.(ed25519.PublicKey), digest, signature)
	}
}

// verifiesECDSA takes r and s side by side, each of the curve's full width (RFC 7518 §3.4). Any other length, ASN.1
// included, is no signature; zero and numbers not below the group's order are refused by crypto/ecdsa.
func (m method) verifiesECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	if len(signature) != 2*m.width {
		return false
	}
	r := new(big.Int).SetBytes(signature[:m.width])
	s := new(big.Int).SetBytes(signature[m.width:])
	return ecdsa.Verify(key, digest, r, s)
}

// fixedWidth turns the ASN.1 that crypto.Signer returns for ECDSA, SEQUENCE { INTEGER r, INTEGER s }, into r and s side
// by side, each width bytes wide.
func fixedWidth(der []byte, width int) ([]byte, error) {
	body, rest, ok := element(der, 0x30)
	if !ok || len(rest) != 0 {
		return nil, malformed("the signer's ECDSA signature is not an ASN.1 sequence")
	}
	out := make([]byte, 2*width)
	for _, half := range [][]byte{out[:width], out[width:]} {
		var number []byte
		number, body, ok = element(body, 0x02)
		for ok && len(number) > width && number[0] == 0 {
			number = number[1:]
		}
		if !ok || len(number) > width {
			return nil, malformed("the signer's ECDSA signature does not hold two numbers of the curve's width")
		}
		copy(half[width-len(number):], number)
	}
	if len(body) != 0 {
		return nil, malformed("the signer's ECDSA signature has more than two numbers")
	}
	return out, nil
}

// element splits an ASN.1 element of the tag off its successors. Lengths up to 255 suffice for every curve here.
func element(der []byte, tag byte) (content, rest []byte, ok bool) {
	if len(der) < 2 || der[0] != tag {
		return nil, nil, false
	}
	length, der := int(der[1]), der[2:]
	if length == 0x81 && len(der) > 0 {
		length, der = int(der[0]), der[1:]
	} else if length > 0x7f {
		return nil, nil, false
	}
	if length > len(der) {
		return nil, nil, false
	}
	return der[:length], der[length:], true
}
