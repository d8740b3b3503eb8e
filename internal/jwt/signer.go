package jwt

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// Signer signs tokens with one private key. It may be used by several goroutines where the key may.
type Signer struct {
	keyID     string
	algorithm Algorithm
	method    method
	private   crypto.Signer
	headers   map[string]string // by typ, encoded
}

// usualTypes are the kinds of token that nsc issues (rule 3): their headers are made once.
var usualTypes = []string{"JWT", "at+jwt", "logout+jwt"}

// NewSigner returns a signer for a private key. It fails where the algorithm does not fit the key.
func NewSigner(kid string, alg Algorithm, private crypto.Signer) (*Signer, error) {
	if private == nil || !(Key{Public: private.Public()}).Accepts(alg) {
		return nil, fmt.Errorf("%w: not one for the private key", ErrAlgorithm)
	}
	s := &Signer{keyID: kid, algorithm: alg, method: methods[alg], private: private, headers: map[string]string{}}
	for _, typ := range usualTypes {
		s.headers[typ] = s.encodeHeader(typ)
	}
	return s, nil
}

// Sign returns the compact token with the payload, byte for byte, and a header of alg, kid and typ. It fails
// with ErrTooLarge where nobody would read the result.
func (s *Signer) Sign(typ string, payload []byte) (string, error) {
	header, ok := s.headers[typ]
	if !ok {
		header = s.encodeHeader(typ)
	}
	token := make([]byte, 0, len(header)+1+encoding.EncodedLen(len(payload))+1+encoding.EncodedLen(512))
	token = append(append(token, header...), '.')
	token = encoding.AppendEncode(token, payload)
	signature, err := s.signature(token)
	if err != nil {
		return "", err
	}
	token = encoding.AppendEncode(append(token, '.'), signature)
	if len(token) > MaxSize {
		return "", fmt.Errorf("%w: a token of %d bytes", ErrTooLarge, len(token))
	}
	return string(token), nil
}

func (s *Signer) signature(input []byte) ([]byte, error) {
	signature, err := s.private.Sign(rand.Reader, s.method.digest(input), s.method.options())
	if err != nil {
		return nil, fmt.Errorf("jwt: sign: %w", err)
	}
	if s.method.family == ecdsaFamily {
		return fixedWidth(signature, s.method.width)
	}
	return signature, nil
}

func (s *Signer) encodeHeader(typ string) string {
	document, _ := json.Marshal(struct { // texts alone: it cannot fail
		Algorithm Algorithm `json:"alg"`
		KeyID     string    `json:"kid,omitempty"`
		Type      string    `json:"typ,omitempty"`
	}{s.algorithm, s.keyID, typ})
	return text64(document)
}
