package jwt

import "encoding/json"

// private are the members of a JWK that nobody but its holder may know (RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2).
var private = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// Private returns the name of a member of a JWK Set by which it gives a private or symmetric key away; "" where there is none.
// It reads leniently: a document that is no key set may still hold a secret.
func Private(document []byte) string {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	_ = json.Unmarshal(document, &set) // whatever could be read of it
	for _, key := range append(set.Keys, document) {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(key, &members)
		for _, name := range private {
			if _, ok := members[name]; ok {
				return name
			}
		}
	}
	return ""
}
