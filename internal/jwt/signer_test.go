package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
)

func TestSignAndVerify(t *testing.T) {
	for alg := range methods {
		t.Run(string(alg), func(t *testing.T) {
			token, err := Parse(mint(t, alg, honest))
			if err != nil {
				t.Fatal(err)
			}
			if want := (Header{alg, "k1", "JWT"}); token.Header != want {
				t.Errorf("got %+v", token.Header)
			}
			if err := token.Verify(publicKey(privateKey(alg))); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSignTakesThePayloadAsItIs: what was recorded is what is signed, byte for byte (rule 26).
func TestSignTakesThePayloadAsItIs(t *testing.T) {
	payload := " {\"b\" :\t1,\"a\":\"\\u003c\"}\n"
	middle := strings.Split(mint(t, ES256, payload), ".")[1]
	if got := must(base64.RawURLEncoding.DecodeString(middle)); string(got) != payload {
		t.Errorf("got %q", got)
	}
}

func TestSignHeader(t *testing.T) {
	for _, row := range []struct{ kid, typ, want string }{
		{"k1", "JWT", `{"alg":"ES256","kid":"k1","typ":"JWT"}`},
		{"k1", "at+jwt", `{"alg":"ES256","kid":"k1","typ":"at+jwt"}`},
		{"k1", "unusual", `{"alg":"ES256","kid":"k1","typ":"unusual"}`},
		{"", "", `{"alg":"ES256"}`},
		{`a"b`, "JWT", `{"alg":"ES256","kid":"a\"b","typ":"JWT"}`},
	} {
		raw := must(must(NewSigner(row.kid, ES256, p256())).Sign(row.typ, []byte("{}")))
		first, _, _ := strings.Cut(raw, ".")
		if got := must(base64.RawURLEncoding.DecodeString(first)); string(got) != row.want {
			t.Errorf("got %s, want %s", got, row.want)
		}
		if token := must(Parse(raw)); token.Header.KeyID != row.kid || token.Header.Type != row.typ {
			t.Errorf("read back: %+v", token.Header)
		}
	}
}

func TestSignTooLarge(t *testing.T) {
	signer := must(NewSigner("k1", ES256, p256()))
	if _, err := signer.Sign("JWT", make([]byte, MaxSize)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestNewSignerRefuses(t *testing.T) {
	weak := &rsa.PrivateKey{PublicKey: *weakRSA().Public.(*rsa.PublicKey)}
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for _, row := range []struct {
		name    string
		alg     Algorithm
		private crypto.Signer
	}{
		{"no key", ES256, nil},
		{"another curve", ES256, p384()},
		{"another kind", RS256, p256()},
		{"unknown curve", ES256, p224},
		{"none", "none", p256()},
		{"HS256", "HS256", rsa2()},
		{"no algorithm", "", rsa2()},
		{"weak RSA", RS256, weak},
	} {
		if _, err := NewSigner("k1", row.alg, row.private); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: got %v", row.name, err)
		}
	}
}

// fixedSigner answers as told: a key in hardware or in a cloud, which writes its own ASN.1.
type fixedSigner struct {
	crypto.Signer
	answer []byte
	err    error
}

func (f fixedSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return f.answer, f.err
}

// TestSignFixedWidth: r and s are as wide as the curve, whatever their values (RFC 7518 §3.4).
func TestSignFixedWidth(t *testing.T) {
	order521 := order(publicKey(p521()))
	for _, row := range []struct {
		name  string
		alg   Algorithm
		r, s  *big.Int
		width int
	}{
		{"small numbers", ES256, big.NewInt(1), big.NewInt(0x1234), 32},
		{"highest bit set", ES256, order(publicKey(p256())), new(big.Int).Lsh(big.NewInt(0xff), 248), 32},
		{"ES384", ES384, order(publicKey(p384())), big.NewInt(7), 48},
		{"ES512, a sequence of two bytes of length", ES512, order521, order521, 66},
	} {
		t.Run(row.name, func(t *testing.T) {
			der := must(asn1.Marshal(struct{ R, S *big.Int }{row.r, row.s}))
			signer := must(NewSigner("k1", row.alg, fixedSigner{Signer: privateKey(row.alg), answer: der}))
			raw := must(signer.Sign("JWT", []byte("{}")))
			got := must(base64.RawURLEncoding.DecodeString(raw[strings.LastIndexByte(raw, '.')+1:]))
			want := append(row.r.FillBytes(make([]byte, row.width)), row.s.FillBytes(make([]byte, row.width))...)
			if string(got) != string(want) {
				t.Errorf("got %x, want %x", got, want)
			}
		})
	}
}

func TestSignRefusesWhatIsNoSignature(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":                 "",
		"a tag alone":             "30",
		"another tag":             "310602010102010a",
		"length beyond the end":   "300802010102010a",
		"something behind":        "300602010102010a00",
		"one number":              "3003020101",
		"three numbers":           "300902010102010a020101",
		"text for a number":       "300604010102010a",
		"number beyond the end":   "300602010102050a",
		"long length without it":  "3081",
		"longer length than fits": "3082000602010102010a",
		"length of a wrong kind":  "3082" + strings.Repeat("023f"+strings.Repeat("00", 62)+"01", 2),
		"indefinite length":       "308002010102010a",
		"number too wide":         "3026" + "0221" + "01" + strings.Repeat("00", 32) + "020101",
		"r and s side by side":    strings.Repeat("01", 64),
	} {
		der := must(hex.DecodeString(answer))
		signer := must(NewSigner("k1", ES256, fixedSigner{Signer: p256(), answer: der}))
		if raw, err := signer.Sign("JWT", []byte("{}")); err == nil {
			t.Errorf("%s: signed %s", name, raw)
		}
	}
}

func TestSignReportsTheKeysFailure(t *testing.T) {
	down := errors.New("the key is away")
	signer := must(NewSigner("k1", ES256, fixedSigner{Signer: p256(), err: down}))
	if _, err := signer.Sign("JWT", []byte("{}")); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
}

// TestSignTogether: one signer serves all requests of a workspace.
func TestSignTogether(t *testing.T) {
	signer := must(NewSigner("k1", ES256, p256()))
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() {
			raw, err := signer.Sign([]string{"JWT", "unusual"}[i%2], []byte(honest))
			if err == nil {
				err = accept(raw, publicKey(p256()))
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
