package differential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// A signer is one key of the issuer.
type signer struct {
	id, algorithm string
	private       crypto.Signer
}

// signers returns the issuer's keys, one of each kind.
func signers(t *testing.T) []signer {
	t.Helper()
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err2 := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, err3 := ed25519.GenerateKey(rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	return []signer{{"ec", "ES256", ec}, {"rsa", "RS256", rs}, {"ed", "EdDSA", ed}}
}

// keySet returns the document that publishes the keys (RFC 7517 §5).
func keySet(t *testing.T, all []signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, s := range all {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.private.Public(), KeyID: s.id, Algorithm: s.algorithm, Use: "sig"})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sign returns the signature of an input (RFC 7518 §3.3, §3.4; RFC 8037 §3.1).
func (s signer) sign(input string) []byte {
	digest := sha256.Sum256([]byte(input))
	switch key := s.private.(type) {
	case *ecdsa.PrivateKey:
		r, v, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			panic(err)
		}
		return append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	}
	return s.signWith(crypto.SHA256, digest[:])
}

func (s signer) signWith(options crypto.SignerOpts, digest []byte) []byte {
	signature, err := s.private.Sign(rand.Reader, digest, options)
	if err != nil {
		panic(err)
	}
	return signature
}

// asSecret signs by HMAC with the public key for a secret: algorithm confusion.
func (s signer) asSecret(input string, form int) []byte {
	der, err := x509.MarshalPKIXPublicKey(s.private.Public())
	if err != nil {
		panic(err)
	}
	secret := [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil}[form]
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return mac.Sum(nil)
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
