package opaque

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func TestNewAndRead(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range []Kind{Access, Revocable} {
		for range 100 {
			token, hash := New(kind)
			got, read, err := Read(token)
			if err != nil || got != kind || read != hash || hash != sha256.Sum256([]byte(token)) || seen[token] {
				t.Fatalf("%q: %v %v", token, got, err)
			}
			seen[token] = true
		}
	}
}

func TestEveryMistypedCharacterIsFound(t *testing.T) {
	token, _ := New(Access)
	for i := range token {
		changed := token[:i] + "A" + token[i+1:]
		if _, _, err := Read(changed); err == nil {
			t.Errorf("character %d changed, accepted", i)
		}
	}
	for _, text := range []string{"", "nsct_", token + "a", token[1:], strings.ToUpper(token), "nsrt_" + token[5:], token[:len(token)-1], "eyJ" + token} {
		if _, _, err := Read(text); err == nil {
			t.Errorf("%q accepted", text)
		}
	}
}
