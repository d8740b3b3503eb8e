package inspect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// takeApart decodes the parts of a token, and reports whether it is one: three parts, of which two are JSON objects.
func (r *Report) takeApart(raw string) bool {
	parts := strings.Split(raw, ".")
	switch {
	case raw == "":
		r.problem(NotAToken, "there is no token: the text is empty", "")
		return false
	case len(parts) == 1:
		r.problem(NotAToken, "this is not a JWT: there is no dot in it",
			"an opaque token says nothing to anybody but its issuer, and cannot be exchanged")
		return false
	case len(parts) == 5:
		r.Header, _ = decodeObject(parts[0])
		r.problem(Encrypted, "this is an encrypted token (JWE): only whom it is for can read it",
			"have its issuer sign it without encryption")
		return false
	case len(parts) != 3:
		r.problem(NotAToken, fmt.Sprintf("this is not a signed JWT: it has %d parts between dots, not 3", len(parts)),
			"was it cut when it was copied?")
		return false
	}
	r.Header = r.object("the header (first part)", parts[0])
	r.Claims = r.object("the claims (second part)", parts[1])
	if _, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		r.problem(Malformed, "the signature (third part) is not base64url", "was it cut or changed when it was copied?")
	}
	return r.Header != nil && r.Claims != nil
}

// object decodes one part, and says what is wrong with it where it is none.
func (r *Report) object(name, part string) json.RawMessage {
	object, problem := decodeObject(part)
	if problem != "" {
		r.problem(Malformed, name+" "+problem, "was the token cut or changed when it was copied?")
	}
	return object
}

func decodeObject(part string) (object json.RawMessage, problem string) {
	if part == "" {
		return nil, "is empty"
	}
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		if text, err = otherBase64(part); err != nil {
			return nil, "is not base64url"
		}
		problem = "is base64 with padding or with + and /; a JWT has base64url without padding"
	}
	if !json.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return nil, "is not a JSON object"
	}
	return text, problem
}

// otherBase64 decodes what some programs mistake for base64url.
func otherBase64(part string) ([]byte, error) {
	part = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(part), "=")
	return base64.RawURLEncoding.DecodeString(part)
}

// Member is a name and its value, as they are in an object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members returns what is in an object, in its own order and with names that it has twice.
func Members(object json.RawMessage) []Member {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		return nil
	}
	var all []Member
	for decoder.More() {
		name, err := decoder.Token()
		text, ok := name.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			return all
		}
		all = append(all, Member{text, value})
	}
	return all
}
