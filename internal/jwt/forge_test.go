package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// The keys of all tests: one of each kind.
var (
	p256 = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384 = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521 = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	rsa2 = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ed25 = sync.OnceValue(func() crypto.Signer {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return must(private, err)
	})
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// privateKey returns the tests' key for an algorithm.
func privateKey(alg Algorithm) crypto.Signer {
	switch methods[alg].family {
	case ecdsaFamily:
		return map[Algorithm]func() crypto.Signer{ES256: p256, ES384: p384, ES512: p521}[alg]()
	case eddsaFamily:
		return ed25()
	}
	return rsa2()
}

func publicKey(private crypto.Signer) Key { return Key{Public: private.Public()} }

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// mint returns a token signed as it should be.
func mint(t testing.TB, alg Algorithm, payload string) string {
	t.Helper()
	signer, err := NewSigner("k1", alg, privateKey(alg))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signer.Sign("JWT", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// forge returns a token with any header and payload whatever, signed rightly by the key of the algorithm.
func forge(alg Algorithm, header, payload string) string {
	return seal(alg, b64(header)+"."+b64(payload))
}

// seal appends the signature over the input.
func seal(alg Algorithm, input string) string {
	return input + "." + b64(string(signatureOver(alg, input)))
}

func signatureOver(alg Algorithm, input string) []byte {
	s := Signer{method: methods[alg], private: privateKey(alg)}
	return must(s.signature([]byte(input)))
}

// headerOf returns the smallest header of an algorithm.
func headerOf(alg Algorithm) string { return fmt.Sprintf(`{"alg":%q}`, alg) }

// resign replaces the signature of a token by what change makes of it.
func resign(raw string, change func([]byte) []byte) string {
	dot := strings.LastIndexByte(raw, '.')
	signature := must(base64.RawURLEncoding.DecodeString(raw[dot+1:]))
	return raw[:dot+1] + b64(string(change(signature)))
}

// accept is the whole path: form, then signature.
func accept(raw string, key Key) error {
	token, err := Parse(raw)
	if err != nil {
		return err
	}
	return token.Verify(key)
}

// manyNames returns an object of several objects, each with that many different short names.
func manyNames(objects, names int) string {
	var b strings.Builder
	for o := range objects {
		fmt.Fprintf(&b, `%c"o%d":{`, "{,"[min(o, 1)], o)
		for n := range names {
			fmt.Fprintf(&b, `%s"%c%c":1`, strings.Repeat(",", min(n, 1)), 'a'+n/26, 'a'+n%26)
		}
		b.WriteByte('}')
	}
	return b.String() + "}"
}

// nested returns an object with arrays inside to the depth, the object counted.
func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
}
