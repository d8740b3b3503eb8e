package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// claims are what the tests read in a token. Its signature is for those to check whom it is shown to.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Groups   []string `json:"groups"`
	ID       string   `json:"jti"`
}

// An audience is one string or several (RFC 7519, section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// read returns a token's type and claims.
func read(t *testing.T, token string) (typ string, c claims) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a signed token: %q", token)
	}
	var header struct {
		Type string `json:"typ"`
	}
	decodePart(t, parts[0], &header)
	decodePart(t, parts[1], &c)
	return header.Type, c
}

func decodePart(t *testing.T, part string, into any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, string(text), into)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// firstLine takes a command's only line, without its end.
func firstLine(printed string) string {
	line, _, _ := strings.Cut(printed, "\n")
	return line
}
