package jwt

import "fmt"

// Header is what nsc reads of a token's JOSE header (RFC 7515 §4).
type Header struct {
	Algorithm Algorithm
	KeyID     string
	Type      string
}

// parseHeader reads the header. Members that say where the key is, or that change what the rest means, are refused
// (RFC 8725 §3.10); those that merely describe are ignored, as RFC 7515 §4 wants.
func parseHeader(document string) (Header, error) {
	var h Header
	s := scan(document)
	err := s.document(func(name string) (err error) {
		var algorithm string
		switch name {
		case "alg":
			algorithm, err = s.text()
			h.Algorithm = Algorithm(algorithm)
		case "kid":
			if h.KeyID, err = s.text(); err == nil && h.KeyID == "" { // or it would count as a token that names no key
				err = malformed("the header has an empty kid")
			}
		case "typ":
			h.Type, err = s.text()
		case "crit", "b64", "jku", "jwk", "x5u":
			err = malformed("the header has " + name + ", which is not accepted")
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return Header{}, fmt.Errorf("header: %w", err)
	}
	if _, ok := methods[h.Algorithm]; !ok {
		return Header{}, fmt.Errorf("%w: the token names none that is asymmetric and known", ErrAlgorithm)
	}
	return h, nil
}
