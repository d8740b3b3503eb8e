package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"time"
)

var errRefused = errors.New("refused")

// keys are one of each algorithm.
type keys struct {
	ecdsa *ecdsa.PublicKey
	rsa   *rsa.PublicKey
}

func readKeys(path string) (keys, error) {
	var k keys
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return k, err
		}
		switch public := parsed.(type) {
		case *ecdsa.PublicKey:
			k.ecdsa = public
		case *rsa.PublicKey:
			k.rsa = public
		}
	}
	if k.ecdsa == nil || k.rsa == nil {
		return k, fmt.Errorf("%s: an ECDSA and an RSA key are needed", path)
	}
	return k, nil
}

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// claims are those that the answer needs.
type claims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ID        string `json:"jti"`
	ExpiresAt int64  `json:"exp"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
}

// verify returns the claims of a good token.
func (k keys) verify(token string) (claims, error) {
	var h header
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errRefused
	}
	if err := errors.Join(decode(parts[0], &h), decode(parts[1], &c)); err != nil {
		return c, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return c, err
	}
	now := time.Now().Unix()
	digest := sha256.Sum256([]byte(token[:len(parts[0])+1+len(parts[1])]))
	if c.ExpiresAt <= now || c.NotBefore > now || !k.signed(h.Algorithm, digest[:], signature) {
		return c, errRefused
	}
	return c, nil
}

func decode(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (k keys) signed(algorithm string, digest, signature []byte) bool {
	switch {
	case algorithm == "ES256" && len(signature) == 64:
		return ecdsa.Verify(k.ecdsa, digest, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case algorithm == "RS256":
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, digest, signature) == nil
	}
	return false
}

// signer signs with one key.
type signer struct {
	header string // encoded
	sign   func(digest []byte) ([]byte, error)
}

func newSigner(algorithm string, sign func(digest []byte) ([]byte, error)) (signer, error) {
	text, err := json.Marshal(header{algorithm, "floor", "at+jwt"})
	return signer{base64.RawURLEncoding.EncodeToString(text), sign}, err
}

func ecdsaSign(key *ecdsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(digest []byte) ([]byte, error) {
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	}
}

func rsaSign(key *rsa.PrivateKey) func([]byte) ([]byte, error) {
	return func(digest []byte) ([]byte, error) { return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest) }
}

// token returns a signed token.
func (s signer) token(payload []byte) (string, error) {
	input := s.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	signature, err := s.sign(digest[:])
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
