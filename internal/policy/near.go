package policy

import (
	"slices"
	"strings"
)

// NearMiss is how a text differs from one that would have matched.
type NearMiss string

// The near misses, the slightest first.
const (
	NearSlash   NearMiss = "trailing_slash"
	NearSpace   NearMiss = "white_space"
	NearScheme  NearMiss = "scheme"
	NearCase    NearMiss = "case"
	NearSegment NearMiss = "one_segment" // a renamed repository, another branch
	NearName    NearMiss = "claim_name"  // the claim has another spelling
)

// Near returns by how little a text misses a literal one; nothing where it misses it by much.
func Near(expected, actual string) []NearMiss {
	same := func(one string) func(string, bool) bool {
		return func(other string, fold bool) bool { return one == other || fold && strings.EqualFold(one, other) }
	}
	if near := nearness(actual, same(expected)); len(near) > 0 {
		return near
	}
	return nearness(expected, same(actual))
}

// NearIssuer returns which of the trusted issuers another one nearly is; nothing where it is far from all of them.
func NearIssuer(trusted []string, issuer string) (meant string, near []NearMiss) {
	for _, meant := range trusted {
		if near := Near(meant, issuer); len(near) > 0 {
			return meant, near
		}
	}
	return "", nil
}

// By says in words by how little a text misses, as the end of the sentence that says what it misses.
func By(near []NearMiss) string {
	if len(near) == 0 {
		return ""
	}
	words := make([]string, len(near))
	for i, n := range near {
		words[i] = strings.ReplaceAll(string(n), "_", " ")
	}
	return " (it differs by: " + strings.Join(words, ", ") + ")"
}

// nearPattern returns by how little a text misses a pattern.
func nearPattern(p Pattern, actual string) []NearMiss {
	folded, err := compilePattern(strings.ToLower(p.Text()))
	near := nearness(actual, func(text string, fold bool) bool {
		if fold {
			return err == nil && folded.Match(strings.ToLower(text))
		}
		return p.Match(text)
	})
	if _, differing, ok := align(p, actual); ok && len(differing) == 1 && len(near) == 0 {
		near = append(near, NearSegment)
	}
	return near
}

// nearness tries what people get wrong, alone and together with another case.
func nearness(actual string, matches func(text string, fold bool) bool) []NearMiss {
	variants := map[NearMiss][]string{
		NearSlash:  {strings.TrimRight(actual, "/"), actual + "/"},
		NearSpace:  {strings.Join(strings.Fields(actual), ""), strings.TrimSpace(actual)},
		NearScheme: otherSchemes(actual),
	}
	for _, fold := range []bool{false, true} {
		if fold && matches(actual, true) {
			return []NearMiss{NearCase}
		}
		for _, kind := range []NearMiss{NearSlash, NearSpace, NearScheme} {
			if slices.ContainsFunc(variants[kind], func(text string) bool { return text != actual && matches(text, fold) }) {
				if fold {
					return []NearMiss{kind, NearCase}
				}
				return []NearMiss{kind}
			}
		}
	}
	return nil
}

func otherSchemes(text string) []string {
	if rest, ok := strings.CutPrefix(text, "http://"); ok {
		return []string{"https://" + rest, rest}
	}
	if rest, ok := strings.CutPrefix(text, "https://"); ok {
		return []string{"http://" + rest, rest}
	}
	return []string{"https://" + text}
}

// part is a segment of a text with the delimiter that follows it, "" at the end.
type part struct{ text, end string }

func partsOf(text string) (parts []part) {
	for {
		i := strings.IndexAny(text, ":/")
		if i < 0 {
			return append(parts, part{text, ""})
		}
		parts = append(parts, part{text[:i], text[i : i+1]})
		text = text[i+1:]
	}
}

// align lays a text beside a pattern, segment by segment. It returns the pattern with the text's segments in place of those
// that do not match them, and where those are; not ok where the two are not alike in form.
func align(p Pattern, text string) (aligned []part, differing []int, ok bool) {
	pattern, actual := partsOf(p.Text()), partsOf(text)
	last := len(pattern) - 1
	rest := last > 0 && pattern[last].text == "*" // takes all the rest
	if len(actual) < len(pattern) || len(actual) > len(pattern) && !rest {
		return nil, nil, false
	}
	for i, segment := range pattern {
		switch {
		case i == last && rest:
			return append(aligned, segment), differing, strings.Join(texts(actual[i:]), "") != "" || len(actual) > len(pattern)
		case segment.end != actual[i].end:
			return nil, nil, false
		case matchesSegment(segment.text, actual[i].text):
			aligned = append(aligned, segment)
		default:
			aligned, differing = append(aligned, actual[i]), append(differing, i)
		}
	}
	return aligned, differing, true
}

func matchesSegment(pattern, text string) bool {
	if pattern == text {
		return true
	}
	p, err := compilePattern(pattern)
	return err == nil && strings.Contains(pattern, "*") && p.Match(text)
}

func texts(parts []part) []string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = p.text
	}
	return out
}

func joined(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.text + p.end)
	}
	return b.String()
}
