package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

func document(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func jwkOf(id string, alg Algorithm) string {
	return string(must(Key{ID: id, Algorithm: alg, Public: privateKey(alg).Public()}.JWK()))
}

// with adds members to a JWK, or replaces them.
func with(key string, changes ...string) string {
	for _, change := range changes {
		name, _, _ := strings.Cut(change, ":")
		if i := strings.Index(key, name+":"); i >= 0 {
			end := i + strings.IndexAny(key[i:], ",}")
			key = key[:i] + change + key[end:]
		} else {
			key = strings.TrimSuffix(key, "}") + "," + change + "}"
		}
	}
	return key
}

// TestKeySetSkips: one odd key does not take the others along (RFC 7517 §5), and is not used.
func TestKeySetSkips(t *testing.T) {
	ec, rs, ed := jwkOf("ec", ES256), jwkOf("rs", RS256), jwkOf("ed", EdDSA)
	point := p256().Public().(*ecdsa.PublicKey)
	coordinates := must(point.Bytes())
	short := base64.RawURLEncoding.EncodeToString(coordinates[1:32])
	modulus := rsa2().Public().(*rsa.PublicKey).N
	for _, row := range []struct {
		name, key string
		used      bool
	}{
		{"control: EC", ec, true},
		{"control: RSA", rs, true},
		{"control: Ed25519", ed, true},
		{"control: without use, alg and kid", `{"kty":"EC","crv":"P-256"` + between(ec, `,"x"`, `,"kid"`) + `}`, true},
		{"control: key_ops to verify", with(ec, `"key_ops":["verify"]`), true},
		{"control: unknown members", with(ec, `"x5t":1`, `"exp":{"a":[null]}`), true},
		{"control: certificates that are none", with(rs, `"x5c":["nonsense"]`), true},
		{"control: a zero before the modulus", with(rs, `"n":"`+text64(append([]byte{0}, modulus.Bytes()...))+`"`), true},

		{"symmetric", `{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}`, false},
		{"kind unknown", `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`, false},
		{"kind absent", `{"kid":"x"}`, false},
		{"kind a number", with(ec, `"kty":1`), false},
		{"kind in other letters", with(ec, `"kty":"ec"`), false},
		{"not an object", `"key"`, false},
		{"null", `null`, false},
		{"an array", `[{"kty":"EC"}]`, false},
		{"for encryption", with(ec, `"use":"enc"`), false},
		{"use unknown", with(ec, `"use":"Sig"`), false},
		{"use null", with(ec, `"use":null`), false},
		{"key_ops to sign", with(ec, `"key_ops":["sign"]`), false},
		{"key_ops a text", with(ec, `"key_ops":"verify"`), false},
		{"algorithm of an encryption", with(rs, `"alg":"RSA-OAEP"`), false},
		{"algorithm HS256", with(ec, `"alg":"HS256"`), false},
		{"algorithm of another kind", with(ec, `"alg":"RS256"`), false},
		{"algorithm of another curve", with(ec, `"alg":"ES384"`), false},
		{"key ID a number", with(ec, `"kid":7`), false},

		{"curve unknown", with(ec, `"crv":"secp256k1"`), false},
		{"curve P-224", with(ec, `"crv":"P-224"`), false},
		{"curve of another width", with(ec, `"crv":"P-384"`), false},
		{"curve X25519", with(ed, `"crv":"X25519"`), false},
		{"point off the curve", with(ec, `"y":"`+text64(coordinates[1:33])+`"`), false},
		{"point at zero", with(ec, `"x":"`+text64(make([]byte, 32))+`"`, `"y":"`+text64(make([]byte, 32))+`"`), false},
		{"coordinate above the prime", with(ec, `"x":"`+strings.Repeat("_", 42)+`8"`), false},
		{"coordinate too short", with(ec, `"x":"`+short+`"`), false},
		{"coordinate too long", with(ec, `"x":"AA`+text64(coordinates[1:33])+`"`), false},
		{"coordinate absent", strings.Replace(ec, `"y"`, `"z"`, 1), false},
		{"coordinate padded", with(ec, `"x":"`+text64(coordinates[1:33])+`="`), false},
		{"coordinate with a line end", with(ec, `"x":"`+text64(coordinates[1:33])+`\n"`), false},
		{"EC key that says OKP", with(ec, `"kty":"OKP"`), false},

		{"Ed25519 too short", with(ed, `"x":"AAAA"`), false},
		{"Ed25519 off the curve", with(ed, `"x":"`+text64(append([]byte{2}, make([]byte, 31)...))+`"`), false},
		{"Ed25519 above the prime", with(ed, `"x":"`+strings.Repeat("_", 42)+`8"`), false},

		{"RSA of 1024 bits", with(rs, `"n":"`+text64(odd(modulus, 1024).Bytes())+`"`), false},
		{"RSA of 2047 bits", with(rs, `"n":"`+text64(odd(modulus, 2047).Bytes())+`"`), false},
		{"RSA of 8193 bits", with(rs, `"n":"`+text64(odd(new(big.Int).Lsh(modulus, 8000), 8193).Bytes())+`"`), false},
		{"RSA with an even modulus", with(rs, `"n":"`+text64(new(big.Int).Sub(modulus, big.NewInt(1)).Bytes())+`"`), false},
		{"RSA with exponent 1", with(rs, `"e":"AQ"`), false},
		{"RSA with exponent 2", with(rs, `"e":"Ag"`), false},
		{"RSA with exponent 0", with(rs, `"e":"AA"`), false},
		{"RSA with a huge exponent", with(rs, `"e":"`+strings.Repeat("_", 42)+`8"`), false},
		{"RSA without an exponent", strings.Replace(rs, `"e"`, `"f"`, 1), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := ParseKeySet(document(row.key, jwkOf("good", ES384)))
			if err != nil {
				t.Fatal(err)
			}
			want, skipped := 1, 1
			if row.used {
				want, skipped = 2, 0
			}
			if len(set.Keys) != want || set.Skipped != skipped {
				t.Errorf("%d keys, %d skipped: %s", len(set.Keys), set.Skipped, row.key)
			}
		})
	}
}

func between(text, from, to string) string {
	i := strings.Index(text, from)
	return text[i : i+strings.Index(text[i:], to)]
}

// odd returns the lowest bits of n as an odd number of exactly that many bits.
func odd(n *big.Int, bits int) *big.Int {
	low := new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1)))
	return low.SetBit(low.SetBit(low, 0, 1), bits-1, 1)
}

func TestKeySetRefuses(t *testing.T) {
	ec := jwkOf("ec", ES256)
	for _, row := range []struct {
		name     string
		document []byte
		want     error
	}{
		{"nothing", nil, ErrMalformed},
		{"not JSON", []byte("<html>"), ErrMalformed},
		{"an array", []byte("[" + ec + "]"), ErrMalformed},
		{"one key, no set", []byte(ec), ErrMalformed},
		{"no keys", []byte(`{}`), ErrMalformed},
		{"an empty array", document(), ErrMalformed},
		{"keys null", []byte(`{"keys":null}`), ErrMalformed},
		{"keys an object", []byte(`{"keys":{"a":` + ec + `}}`), ErrMalformed},
		{"KEYS", []byte(`{"KEYS":[` + ec + `]}`), ErrMalformed},
		{"keys twice", []byte(`{"keys":[` + ec + `],"keys":[` + ec + `]}`), ErrMalformed},
		{"a name twice in a key", document(with(ec, `"a":1`)[:len(ec)-1] + `,"a":1,"a":2}`), ErrMalformed},
		{"no usable key", document(`{"kty":"oct","k":"AA"}`), ErrMalformed},
		{"cut", document(ec)[:40], ErrMalformed},
		{"broken inside a key that would be skipped", document(`{"kty":1,"x":tru}`, ec), ErrMalformed},
		{"broken inside an entry that is no key", document(`["a" "b"]`, ec), ErrMalformed},
		{"broken inside key_ops", document(with(ec, `"key_ops":[verify]`)), ErrMalformed},
		{"something behind", append(document(ec), 'x'), ErrMalformed},
		{"101 keys", document(strings.Split(strings.Repeat(ec+"\n", 100)+ec, "\n")...), ErrMalformed},
		{"101 entries that are no keys", document(strings.Split(strings.Repeat("1\n", 100)+ec, "\n")...), ErrMalformed},
		{"a byte too many", append(document(ec), make([]byte, MaxKeySetBytes)...), ErrTooLarge},
		{"control: 100 keys", document(strings.Split(strings.Repeat(ec+"\n", 99)+ec, "\n")...), nil},
		{"control: as large as allowed", padded(document(ec)), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := ParseKeySet(row.document); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func padded(document []byte) []byte {
	return append(document, strings.Repeat(" ", MaxKeySetBytes-len(document))...)
}

func TestCandidates(t *testing.T) {
	key := func(id string, alg Algorithm) Key { return Key{ID: id, Public: privateKey(alg).Public()} }
	set := KeySet{Keys: []Key{
		key("a", ES256), key("b", ES256), key("b", RS256), {ID: "c", Algorithm: PS256, Public: rsa2().Public()}, key("", EdDSA),
		key("d", ES256), key("d", ES256), key("d", ES256), key("d", ES256), key("d", ES256),
	}}
	for _, row := range []struct {
		name   string
		header Header
		want   string
	}{
		{"by key ID", Header{Algorithm: ES256, KeyID: "a"}, "a:ES256"},
		{"key ID unknown: none, whatever fits", Header{Algorithm: ES256, KeyID: "x"}, ""},
		{"key ID shared by two kinds: the one that fits", Header{Algorithm: RS256, KeyID: "b"}, "b:RS256"},
		{"key ID known, algorithm does not fit: Verify says so", Header{Algorithm: RS256, KeyID: "c"}, "c:PS256"},
		{"no key ID: all that fit", Header{Algorithm: RS256}, "b:RS256"},
		{"no key ID: at most four", Header{Algorithm: ES256}, "a:ES256 b:ES256 d:ES256 d:ES256"},
		{"no key ID: key without one", Header{Algorithm: EdDSA}, ":EdDSA"},
		{"no key ID, nothing fits", Header{Algorithm: ES384}, ""},
		{"key ID of many: at most four", Header{Algorithm: ES256, KeyID: "d"}, "d:ES256 d:ES256 d:ES256 d:ES256"},
		{"key ID of many that do not fit: at most four", Header{Algorithm: ES384, KeyID: "d"}, "d:ES256 d:ES256 d:ES256 d:ES256"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, k := range set.Candidates(row.header) {
				got = append(got, k.ID+":"+kindOf(k))
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("got %v, want %s", got, row.want)
			}
		})
	}
}

func kindOf(k Key) string {
	switch k.Public.(type) {
	case *rsa.PublicKey:
		if k.Algorithm != "" {
			return string(k.Algorithm)
		}
		return "RS256"
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return "ES256"
}

// TestOnEdwards25519 asks crypto/ed25519's own keys, which are points, and numbers of which half are none.
func TestOnEdwards25519(t *testing.T) {
	off := 0
	for i := range byte(64) {
		seed := append([]byte{i}, make([]byte, 31)...)
		public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		if !onEdwards25519(public) {
			t.Errorf("key of seed %d is no point", i)
		}
		if !onEdwards25519(seed) {
			off++
		}
	}
	if off < 16 || off > 48 {
		t.Errorf("%d of the first 64 numbers are no points", off)
	}
}

func ExampleKeySet_Candidates() {
	set, err := ParseKeySet([]byte(`{"keys":[` + rfc7515Key + `]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := Parse(rfc7515Token)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range set.Candidates(token.Header) {
		if token.Verify(key) == nil {
			fmt.Println("signed by", key.Thumbprint(), "for", token.Claims.Issuer)
		}
	}
	// Output: signed by oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U for joe
}
