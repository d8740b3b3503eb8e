package interop

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// claims are what the tests read in a token. Whether it is good is for the relying parties to say.
type claims struct {
	Type  string `json:"-"` // of the header
	KeyID string `json:"-"`

	Issuer       string `json:"iss"`
	Subject      string `json:"sub"`
	Audience     string `json:"aud"`
	IssuedAt     int64  `json:"iat"`
	ExpiresAt    int64  `json:"exp"`
	RootIssuedAt int64  `json:"root_iat"`
	Depth        int    `json:"depth"`
}

func read(t *testing.T, token string) claims {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	var c claims
	var header struct {
		Type  string `json:"typ"`
		KeyID string `json:"kid"`
	}
	decode(t, parts[0], &header)
	decode(t, parts[1], &c)
	c.Type, c.KeyID = header.Type, header.KeyID
	return c
}

func decode(t *testing.T, part string, into any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%v in a part of a token", err)
	}
}

// tampered changes one claim of a token and leaves header and signature as they are.
func tampered(t *testing.T, token, claim string, value any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	var payload map[string]any
	decode(t, parts[1], &payload)
	payload[claim] = value
	text, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(text)
	return strings.Join(parts, ".")
}
