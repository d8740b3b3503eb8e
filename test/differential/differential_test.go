package differential

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const many = 10_000

// names are the libraries, in the order of their verdicts.
var names = []string{"nsc", "go-jose", "golang-jwt", "jose"}

// Seen to fail on a verifier that takes ours among many audiences, on one that passes over line ends, and on one that took
// an empty kid for none, which all others refused: that was ours.
func TestDamagedTokensThroughFourLibraries(t *testing.T) {
	all := signers(t)
	set := keySet(t, all)
	tokens := damaged(all)
	here := []library{ours(t, set), goJose(set), golangJWT(all)}
	byNode := npmJose(t, set, tokens)
	seen, good := map[string]map[string]bool{}, 0
	for i, token := range tokens {
		var verdicts []verdict
		for _, judge := range here {
			verdicts = append(verdicts, judge(token))
		}
		verdicts = append(verdicts, byNode[i])
		if verdicts[0].refused == nil {
			good++
		}
		for library, class := range differences(token, verdicts) {
			if seen[class] == nil {
				seen[class] = map[string]bool{}
				if explained[class].why == "" {
					t.Errorf("not explained: %s: %s\ntoken %d: %.600q\n%+v", library, class, i, token, verdicts)
				}
			}
			seen[class][library] = true
		}
	}
	for class, e := range explained {
		if by := strings.Join(slices.Sorted(maps.Keys(seen[class])), " "); by != e.by {
			t.Errorf("explained of %q, but seen of %q: %s", e.by, by, class)
		}
	}
	if good < many/20 {
		t.Errorf("only %d tokens are good: the damage is too great to test much", good)
	}
}

// damaged returns the tokens: each mutation of the catalogue with each key, then what luck brings.
func damaged(all []signer) []string {
	known, chance := catalogue(), rand.New(rand.NewPCG(7515, 8725))
	var tokens []string
	for n := 0; len(tokens) < many; n++ {
		d := newDraft(all[n%len(all)])
		if at := n / len(all); at < len(known) {
			known[at](d)
		} else {
			atRandom(chance, known)(d)
		}
		tokens = append(tokens, d.token())
	}
	return tokens
}

// differences says by library how its verdict differs from ours, which is the first.
func differences(token string, verdicts []verdict) map[string]string {
	us, found, refused := verdicts[0], map[string]string{}, 0
	for i, v := range verdicts[1:] {
		name := names[i+1]
		differs := us.refused == nil && (v.refused != nil || us.reading != v.reading)
		if us.refused == nil && v.refused != nil {
			refused++
		}
		switch {
		case differs && name == "golang-jwt" && otherSpelling(token):
			found[name] = "accepted, and golang-jwt takes another name for the claim's"
		case differs && v.refused != nil:
			found[name] = "accepted, but not by " + name + ": " + reason(v.refused)
		case differs:
			found[name] = "accepted, but read otherwise by " + name
		case us.refused != nil && v.refused == nil:
			found[name] = "refused: " + reason(us.refused)
		}
	}
	if refused == len(names)-1 {
		return map[string]string{"all others": fmt.Sprint("accepted, but not by all others: ", found)}
	}
	return found
}

// otherSpelling reports whether a claim's name differs from a registered one only in the case of its letters.
func otherSpelling(token string) bool {
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var members map[string]any
	if err != nil || json.Unmarshal(claims, &members) != nil {
		return false
	}
	for name := range members {
		for _, known := range []string{"iss", "sub", "aud", "jti", "exp", "nbf", "iat"} {
			if name != known && strings.EqualFold(name, known) {
				return true
			}
		}
	}
	return false
}

var (
	prefix   = regexp.MustCompile(`^nsc: (not a well-formed token: )?|jwt: malformed: | at byte \d+$`)
	variable = regexp.MustCompile(`"(\\.|[^"\\])*"|\[.*\]|\d+`)
)

// reason returns what of an error names the class: without our prefixes, positions, numbers and what was in the token.
func reason(err error) string {
	return variable.ReplaceAllString(prefix.ReplaceAllString(err.Error(), ""), "…")
}
