package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
)

const honest = `{"iss":"https://issuer.example.com","sub":"a","aud":"b","exp":1893456000,"iat":1893455100}`

// TestSecurityAlgorithmConfusion is the corpus of RFC 8725 §2: each row is an honest token or key with one thing
// changed, and the gate that must stop it.
func TestSecurityAlgorithmConfusion(t *testing.T) {
	ec, big384, rsaKey, ed := publicKey(p256()), publicKey(p384()), publicKey(rsa2()), publicKey(ed25())
	good := mint(t, ES256, honest)
	input := good[:strings.LastIndexByte(good, '.')]
	for _, row := range []struct {
		name string
		raw  string
		key  Key
		want error
	}{
		{"control: ES256", good, ec, nil},
		{"control: EdDSA", mint(t, EdDSA, honest), ed, nil},
		{"control: RS256", mint(t, RS256, honest), rsaKey, nil},
		{"control: PS256", mint(t, PS256, honest), rsaKey, nil},

		{"alg none, no signature", b64(`{"alg":"none"}`) + "." + b64(honest) + ".", ec, ErrAlgorithm},
		{"alg none, a signature", forge(ES256, `{"alg":"none"}`, honest), ec, ErrAlgorithm},
		{"alg None", forge(ES256, `{"alg":"None"}`, honest), ec, ErrAlgorithm},
		{"alg NONE", forge(ES256, `{"alg":"NONE"}`, honest), ec, ErrAlgorithm},
		{"alg nOnE by escapes", forge(ES256, `{"alg":"n\u006fne"}`, honest), ec, ErrAlgorithm},
		{"alg empty", forge(ES256, `{"alg":""}`, honest), ec, ErrAlgorithm},
		{"alg absent", forge(ES256, `{"typ":"JWT"}`, honest), ec, ErrAlgorithm},
		{"alg in other letters: es256", forge(ES256, `{"alg":"es256"}`, honest), ec, ErrAlgorithm},
		{"alg with a space", forge(ES256, `{"alg":"ES256 "}`, honest), ec, ErrAlgorithm},
		{"alg under another name: ALG", forge(ES256, `{"ALG":"ES256"}`, honest), ec, ErrAlgorithm},
		{"alg null", forge(ES256, `{"alg":null}`, honest), ec, ErrMalformed},
		{"alg a list", forge(ES256, `{"alg":["ES256"]}`, honest), ec, ErrMalformed},
		{"alg twice", forge(ES256, `{"alg":"none","alg":"ES256"}`, honest), ec, ErrMalformed},
		{"alg twice by escapes", forge(ES256, `{"alg":"ES256","\u0061lg":"none"}`, honest), ec, ErrMalformed},
		{"alg of an encryption", forge(ES256, `{"alg":"RSA-OAEP"}`, honest), ec, ErrAlgorithm},
		{"alg unknown: ES256K", forge(ES256, `{"alg":"ES256K"}`, honest), ec, ErrAlgorithm},

		{"HS256 with the public key, PEM", hmacWith(publicPEM(t, rsaKey)), rsaKey, ErrAlgorithm},
		{"HS256 with the public key, DER", hmacWith(publicDER(t, ec)), ec, ErrAlgorithm},
		{"HS256 with the public key, JWK", hmacWith(must(ec.JWK())), ec, ErrAlgorithm},
		{"HS256 with the public key, bytes", hmacWith(ed.Public.(ed25519.PublicKey)), ed, ErrAlgorithm},
		{"HS256 with an empty key", hmacWith(nil), ec, ErrAlgorithm},

		{"ES256 for an RSA key", good, rsaKey, ErrAlgorithm},
		{"ES256 for a P-384 key", good, big384, ErrAlgorithm},
		{"ES384 header, P-256 signature", forge(ES256, headerOf(ES384), honest), ec, ErrAlgorithm},
		{"ES256 for an Ed25519 key", good, ed, ErrAlgorithm},
		{"RS256 for an EC key", mint(t, RS256, honest), ec, ErrAlgorithm},
		{"EdDSA for an RSA key", mint(t, EdDSA, honest), rsaKey, ErrAlgorithm},
		{"RS256 for a key whose own alg is PS256", mint(t, RS256, honest), Key{Algorithm: PS256, Public: rsaKey.Public}, ErrAlgorithm},
		{"RS512 for a key whose own alg is RS256", mint(t, RS512, honest), Key{Algorithm: RS256, Public: rsaKey.Public}, ErrAlgorithm},
		{"RS256 for an RSA key of 1024 bits", mint(t, RS256, honest), weakRSA(), ErrAlgorithm},
		{"no key", good, Key{}, ErrAlgorithm},
		{"the private key as the public one", good, Key{Public: p256()}, ErrAlgorithm},
		{"RSA PKCS #1 signature as PS256", forge2(RS256, PS256), rsaKey, ErrSignature},
		{"RSA-PSS signature as RS256", forge2(PS256, RS256), rsaKey, ErrSignature},
		{"SHA-256 signature as RS512", forge2(RS256, RS512), rsaKey, ErrSignature},

		{"signature of zeros", resign(good, func(s []byte) []byte { return make([]byte, 64) }), ec, ErrSignature},
		{"r is zero", resign(good, func(s []byte) []byte { clear(s[:32]); return s }), ec, ErrSignature},
		{"s is zero", resign(good, func(s []byte) []byte { clear(s[32:]); return s }), ec, ErrSignature},
		{"r is the order", resign(good, func(s []byte) []byte { order(ec).FillBytes(s[:32]); return s }), ec, ErrSignature},
		{"s is the order", resign(good, func(s []byte) []byte { order(ec).FillBytes(s[32:]); return s }), ec, ErrSignature},
		{"r and s all ones", resign(good, func(s []byte) []byte { return slices.Repeat([]byte{0xff}, 64) }), ec, ErrSignature},
		{"ES512, r + order", resign(mint(t, ES512, honest), plusOrder(0)), publicKey(p521()), ErrSignature},
		{"ES512, s + order", resign(mint(t, ES512, honest), plusOrder(66)), publicKey(p521()), ErrSignature},
		{"ECDSA signature as ASN.1", resign(good, toASN1), ec, ErrSignature},
		{"ECDSA signature with a byte more", resign(good, func(s []byte) []byte { return append(s, 0) }), ec, ErrSignature},
		{"ECDSA signature with a byte less", resign(good, func(s []byte) []byte { return s[:63] }), ec, ErrSignature},
		{"ECDSA signature, a zero before s", resign(good, func(s []byte) []byte { return slices.Insert(s, 32, 0) }), ec, ErrSignature},
		{"ECDSA signature, zeros before r and s", resign(good, widened), ec, ErrSignature},
		{"Ed25519 signature, S + order", resign(mint(t, EdDSA, honest), plusL), ed, ErrSignature},
		{"Ed25519 signature cut", resign(mint(t, EdDSA, honest), func(s []byte) []byte { return s[:63] }), ed, ErrSignature},
		{"RSA signature with a zero before", resign(mint(t, RS256, honest), func(s []byte) []byte { return append([]byte{0}, s...) }), rsaKey, ErrSignature},
		{"RSA signature + modulus", resign(mint(t, RS256, honest), plusModulus), rsaKey, ErrSignature},
		{"RSA signature empty but for a zero", resign(mint(t, RS256, honest), func([]byte) []byte { return []byte{0} }), rsaKey, ErrSignature},
		{"another's signature", b64(headerOf(ES256)) + "." + b64(honest) + good[len(input):], ec, ErrSignature},
		{"payload changed", strings.Replace(good, b64(honest), b64(strings.Replace(honest, `"a"`, `"c"`, 1)), 1), ec, ErrSignature},

		{"base64 padded, signature", good + "==", ec, ErrMalformed},
		{"base64 padded, header", b64(headerOf(ES256)) + "=." + b64(honest) + good[len(input):], ec, ErrMalformed},
		{"base64 with trailing bits", nextLetter(good), ec, ErrMalformed},
		{"base64 of the other alphabet", otherAlphabet(t), ec, ErrMalformed},
		{"base64 of an impossible length", good + "AAA", ec, ErrMalformed},
		{"space before", " " + good, ec, ErrMalformed},
		{"space behind", good + " ", ec, ErrMalformed},
		{"newline behind", good + "\n", ec, ErrMalformed},
		{"newline before", "\n" + good, ec, ErrMalformed},
		{"carriage return inside the payload", strings.Replace(good, ".", ".\r", 1), ec, ErrMalformed},
		{"newline inside the header", good[:4] + "\n" + good[4:], ec, ErrMalformed},
		{"newline inside the signature", good[:len(good)-4] + "\n" + good[len(good)-4:], ec, ErrMalformed},
		{"NUL behind", good + "\x00", ec, ErrMalformed},

		{"crit", forge(ES256, `{"alg":"ES256","crit":["exp"]}`, honest), ec, ErrMalformed},
		{"crit empty", forge(ES256, `{"alg":"ES256","crit":[]}`, honest), ec, ErrMalformed},
		{"b64", forge(ES256, `{"alg":"ES256","b64":false}`, honest), ec, ErrMalformed},
		{"jku", forge(ES256, `{"alg":"ES256","jku":"https://evil.example.com/keys"}`, honest), ec, ErrMalformed},
		{"x5u", forge(ES256, `{"alg":"ES256","x5u":"https://evil.example.com/chain"}`, honest), ec, ErrMalformed},
		{"embedded jwk", forge(ES256, `{"alg":"ES256","jwk":`+string(must(ec.JWK()))+`}`, honest), ec, ErrMalformed},
		{"jku by escapes", forge(ES256, `{"alg":"ES256","\u006aku":"https://evil.example.com"}`, honest), ec, ErrMalformed},
		{"control: x5c, x5t and cty are ignored", forge(ES256, `{"alg":"ES256","x5c":["x"],"x5t":"y","cty":"JWT"}`, honest), ec, nil},
		{"control: JKU is not jku, and ignored", forge(ES256, `{"alg":"ES256","JKU":"https://evil.example.com"}`, honest), ec, nil},
		{"kid a number", forge(ES256, `{"alg":"ES256","kid":1}`, honest), ec, ErrMalformed},
		{"kid empty", forge(ES256, `{"alg":"ES256","kid":""}`, honest), ec, ErrMalformed},
		{"typ null", forge(ES256, `{"alg":"ES256","typ":null}`, honest), ec, ErrMalformed},
		{"kid twice", forge(ES256, `{"alg":"ES256","kid":"a","kid":"b"}`, honest), ec, ErrMalformed},

		{"one dot", input, ec, ErrMalformed},
		{"no dot", strings.ReplaceAll(good, ".", ""), ec, ErrMalformed},
		{"three dots", good + ".", ec, ErrMalformed},
		{"four dots, an encryption's form", good + "." + b64("x") + "." + b64("y"), ec, ErrMalformed},
		{"two dots alone", "..", ec, ErrMalformed},
		{"nothing", "", ec, ErrMalformed},
		{"header empty", "." + b64(honest) + good[len(input):], ec, ErrMalformed},
		{"payload empty", seal(ES256, b64(headerOf(ES256))+"."), ec, ErrMalformed},
		{"signature empty", input + ".", ec, ErrMalformed},
		{"JSON serialization", `{"protected":"` + b64(headerOf(ES256)) + `","payload":"e30","signature":"AA"}`, ec, ErrMalformed},
		{"header not an object", forge(ES256, `["ES256"]`, honest), ec, ErrMalformed},
		{"header with something behind", forge(ES256, headerOf(ES256)+"{}", honest), ec, ErrMalformed},
		{"payload not an object", forge(ES256, headerOf(ES256), `"honest"`), ec, ErrMalformed},
		{"payload with something behind", forge(ES256, headerOf(ES256), honest+" x"), ec, ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := accept(row.raw, row.key); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

// TestSecurityParseKnowsItsAlgorithms: what is not asymmetric and known does not even come to a key.
func TestSecurityParseKnowsItsAlgorithms(t *testing.T) {
	for _, alg := range []string{"", "none", "None", "HS256", "HS384", "HS512", "ES256K", "Ed25519", "RS1", "es256", "A128KW", "dir"} {
		if _, err := Parse(forge(ES256, `{"alg":"`+alg+`"}`, honest)); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%q: got %v", alg, err)
		}
	}
}

// TestSecurityThreeParts: the number of parts is looked at before any of them is decoded.
func TestSecurityThreeParts(t *testing.T) {
	for _, raw := range []string{"", ".", "!", "!.!", "!.!.!.!", "!.!.!.!.!", "...", strings.Repeat(".", MaxSize)} {
		if _, err := Parse(raw); err == nil || !strings.Contains(err.Error(), "three parts") {
			t.Errorf("%.20q: got %v", raw, err)
		}
	}
}

// TestSecurityParserExhaustion: what costs a reader much is refused before it does.
func TestSecurityParserExhaustion(t *testing.T) {
	longNumber := strings.Repeat("9", 9000)
	for _, row := range []struct {
		name string
		raw  string
		want error
	}{
		{"1 MB of dots", strings.Repeat(".", 1<<20), ErrTooLarge},
		{"a token of one byte too many", strings.Repeat("a", MaxSize+1), ErrTooLarge},
		{"16 KiB of dots", strings.Repeat(".", MaxSize), ErrMalformed},
		{"deep objects", forge(ES256, headerOf(ES256), strings.Repeat(`{"a":`, 2000)), ErrMalformed},
		{"deep arrays", forge(ES256, headerOf(ES256), `{"a":`+strings.Repeat("[", 9000)), ErrMalformed},
		{"deep arrays in the header", forge(ES256, `{"alg":"ES256","a":`+strings.Repeat("[", 9000), honest), ErrMalformed},
		{"huge integer as exp", forge(ES256, headerOf(ES256), `{"exp":`+longNumber+`}`), ErrMalformed},
		{"huge integer elsewhere", forge(ES256, headerOf(ES256), `{"n":`+longNumber+`}`), ErrMalformed},
		{"huge exponent as exp", forge(ES256, headerOf(ES256), `{"exp":1e999999999}`), ErrMalformed},
		{"huge exponent elsewhere", forge(ES256, headerOf(ES256), `{"n":1e999999999}`), ErrMalformed},
		{"more names than an object may have", forge(ES256, headerOf(ES256), manyNames(1, 257)), ErrMalformed},
		{"duplicate names", forge(ES256, headerOf(ES256), `{"a":1,"a":1}`), ErrMalformed},
		{"control: as many names as an object may have", forge(ES256, headerOf(ES256), manyNames(5, 256)), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := Parse(row.raw); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
			if allocations := testing.AllocsPerRun(3, func() { Parse(row.raw) }); allocations > 60 {
				t.Errorf("%v allocations", allocations)
			}
		})
	}
}

// TestSecurityErrorsRepeatNothing: no text of ours carries a stranger's words into a log or an answer.
func TestSecurityErrorsRepeatNothing(t *testing.T) {
	for _, raw := range []string{
		forge(ES256, `{"alg":"hostile-words"}`, honest),
		forge(ES256, `{"hostile-words":1,"hostile-words":2}`, honest),
		forge(ES256, headerOf(ES256), `{"hostile-words":1,"hostile-words":2}`),
		forge(ES256, headerOf(ES256), `{"exp":"hostile-words"}`),
		"hostile-words.hostile-words.hostile-words",
	} {
		if _, err := Parse(raw); err == nil || strings.Contains(err.Error(), "hostile") {
			t.Errorf("got %v", err)
		}
	}
}

// TestSecuritySecondSignature: whoever has a token can make a second one from it by negating s; both verify
// everywhere, as ECDSA is. So "used once" must be counted by jti (rule 16), never by the token's text.
func TestSecuritySecondSignature(t *testing.T) {
	good, key := mint(t, ES256, honest), publicKey(p256())
	other := resign(good, func(s []byte) []byte {
		new(big.Int).Sub(order(key), new(big.Int).SetBytes(s[32:])).FillBytes(s[32:])
		return s
	})
	if other == good {
		t.Fatal("the same text")
	}
	if err := accept(other, key); err != nil {
		t.Error(err)
	}
}

func hmacWith(key []byte) string {
	input := b64(`{"alg":"HS256","typ":"JWT"}`) + "." + b64(honest)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}

func publicDER(t *testing.T, key Key) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func publicPEM(t *testing.T, key Key) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER(t, key)})
}

// forge2 signs by one algorithm and names another.
func forge2(signed, named Algorithm) string { return forge(signed, headerOf(named), honest) }

// weakRSA is an RSA public key of 1024 bits; nothing has to verify with it.
func weakRSA() Key {
	n := new(big.Int).Rsh(rsa2().Public().(*rsa.PublicKey).N, 1024)
	return Key{Public: &rsa.PublicKey{N: n, E: 65537}}
}

func order(key Key) *big.Int { return key.Public.(*ecdsa.PublicKey).Params().N }

// plusOrder adds the group's order to the half of an ES512 signature that begins at offset: there is room for it.
func plusOrder(offset int) func([]byte) []byte {
	return func(s []byte) []byte {
		half := s[offset : offset+66]
		n := new(big.Int).SetBytes(half)
		n.Add(n, order(publicKey(p521()))).FillBytes(half)
		return s
	}
}

// plusL adds the order of Ed25519's group to S, which is little-endian.
func plusL(s []byte) []byte {
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	half := slices.Clone(s[32:])
	slices.Reverse(half)
	new(big.Int).Add(new(big.Int).SetBytes(half), l).FillBytes(half)
	slices.Reverse(half)
	return append(s[:32:32], half...)
}

func plusModulus(s []byte) []byte {
	return new(big.Int).Add(new(big.Int).SetBytes(s), rsa2().Public().(*rsa.PublicKey).N).Bytes()
}

func toASN1(s []byte) []byte {
	half := len(s) / 2
	return must(asn1.Marshal(struct{ R, S *big.Int }{
		new(big.Int).SetBytes(s[:half]), new(big.Int).SetBytes(s[half:]),
	}))
}

func widened(s []byte) []byte {
	return slices.Concat([]byte{0}, s[:32], []byte{0}, s[32:])
}

// nextLetter changes only the bits of the last letter that mean nothing.
func nextLetter(raw string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, raw[len(raw)-1])
	return raw[:len(raw)-1] + alphabet[last+1:last+2]
}

// otherAlphabet returns a token whose signature is written in the alphabet with + and /, and differs by it.
func otherAlphabet(t *testing.T) string {
	for {
		raw := mint(t, ES256, honest)
		if changed := strings.NewReplacer("-", "+", "_", "/").Replace(raw); changed != raw {
			return changed
		}
	}
}
