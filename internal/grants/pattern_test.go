package grants

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRule18PatternsMatch(t *testing.T) {
	for _, row := range []struct {
		rule, pattern string
		yes, no       []string
	}{
		{"literal text matches itself alone", "repo:acme/api", []string{"repo:acme/api"},
			[]string{"", "repo:acme/api2", "evil-repo:acme/api", "REPO:acme/api", "repo:acme/api "}},
		{"a final * after : takes all the rest", "repo:acme/api:*",
			[]string{"repo:acme/api:ref:refs/heads/main", "repo:acme/api:x", "repo:acme/api::"},
			[]string{"repo:acme/api:", "repo:acme/api", "repo:acme/api2:x", "evil-repo:acme/api:x"}},
		{"a final * after / takes all the rest", "https://api.example/*",
			[]string{"https://api.example/v1/a:b"}, []string{"https://api.example/", "https://api.example.evil/x"}},
		{"a * elsewhere stays within its segment", "repo:acme/*:ref:main",
			[]string{"repo:acme/api:ref:main"},
			[]string{"repo:acme/:ref:main", "repo:acme/a/b:ref:main", "repo:acme/a:b:ref:main"}},
		{"a * takes at least one byte", "a*c", []string{"abc", "abbc"}, []string{"ac", "a:c", "a/c"}},
		{"a final * within a segment does not cross it", "repo:acme/api*",
			[]string{"repo:acme/api2", "repo:acme/api-evil"}, []string{"repo:acme/api", "repo:acme/api2:ref"}},
		{"several stars in a segment", "a*b*c", []string{"axbxc", "abbbc", "axbcbc"}, []string{"abc", "axbc", "abxc", "axbx"}},
		{"overlapping pieces are not counted twice", "ab*ab", []string{"abxab"}, []string{"ab", "abab", "aba"}},
		{"a lone * is one segment", "*", []string{"x"}, []string{"", "a:b", "a/b"}},
		{"no alternation", "^a|b$", []string{"^a|b$"}, []string{"a", "b"}},
		{"no character classes", "a[bc]d.?", []string{"a[bc]d.?"}, []string{"abd", "abdx"}},
		{"delimiters are told apart", "a:*/b", []string{"a:x/b"}, []string{"a/x:b", "a:x:b"}},
		{"empty segments stay empty", "https://*/x", []string{"https://host/x"}, []string{"https:/host/x", "https:a/host/x"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			p, err := Compile(row.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range row.yes {
				if !p.Match(s) {
					t.Errorf("%q does not match %q", row.pattern, s)
				}
			}
			for _, s := range row.no {
				if p.Match(s) {
					t.Errorf("%q matches %q", row.pattern, s)
				}
			}
		})
	}
}

// reference translates a pattern to a regular expression: slow, and plainly what rule 18 says.
func reference(pattern string) *regexp.Regexp {
	var b strings.Builder
	for i, r := range pattern {
		switch {
		case r != '*':
			b.WriteString(regexp.QuoteMeta(string(r)))
		case i == len(pattern)-1 && i > 0 && strings.ContainsRune(delimiters, rune(pattern[i-1])):
			b.WriteString(`.+`)
		default:
			b.WriteString(`[^:/]+`)
		}
	}
	return regexp.MustCompile(`\A(?s:` + b.String() + `)\z`)
}

func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"repo:acme/*", "repo:acme/api:ref"}, {"a*b*c", "axbxc"}, {"*", "x"}, {"*:*", "a:b/c"}, {"^a|b$", "a"}, {"a/", "a/"},
		{"repo:acme/api*", "repo:acme/api2"}, {"ab*ab", "abab"}, {"a*ab", "aaab"}, {"*a", "aa"},
		{"é*", "é\xff"}, {"a:*", "a:\n"}, {"*/", "é/"}, {"a*\xa9", "a\xc3\xa9"}, {"repo:*/api:*", "repo:a/b/api:x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		p, err := Compile(pattern)
		if err != nil {
			return
		}
		if got, want := p.Match(s), reference(runes(pattern)).MatchString(runes(s)); got != want {
			t.Errorf("%q on %q: %v, reference %v", pattern, s, got, want)
		}
		if p.Match(s) && !strings.HasPrefix(s, p.Prefix()) {
			t.Errorf("%q matches %q, which does not begin with %q", pattern, s, p.Prefix())
		}
	})
}

// runes returns a text whose runes are the bytes of another: regexp matches runes, patterns match bytes.
func runes(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

// small draws patterns and texts that meet often.
var (
	smallPattern = rapid.StringMatching(`[ab:/*]{1,8}`)
	smallText    = rapid.StringMatching(`[ab:/]{0,8}`)
)

func TestRule04ContainmentIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err1 := Compile(smallPattern.Draw(t, "p"))
		q, err2 := Compile(smallPattern.Draw(t, "q"))
		if err1 != nil || err2 != nil || !p.Contains(q) {
			return
		}
		for range 20 {
			if s := smallText.Draw(t, "s"); q.Match(s) && !p.Match(s) {
				t.Fatalf("%q is said to contain %q, but %q tells them apart", p.text, q.text, s)
			}
		}
	})
}

// All patterns and texts of a few bytes, so that soundness does not rest on luck.
func TestRule04ContainmentIsSoundExhaustively(t *testing.T) {
	const alphabet = "a:*"
	texts := words("a:b", 6)
	for _, a := range words(alphabet, 4) {
		p, err := Compile(a)
		if err != nil {
			continue
		}
		for _, b := range words(alphabet, 4) {
			q, err := Compile(b)
			if err != nil || !p.Contains(q) {
				continue
			}
			for _, s := range texts {
				if q.Match(s) && !p.Match(s) {
					t.Fatalf("%q is said to contain %q, but %q tells them apart", a, b, s)
				}
			}
		}
	}
}

// words returns all words over the alphabet of 1 to n letters.
func words(alphabet string, n int) []string {
	out, last := []string{}, []string{""}
	for range n {
		var next []string
		for _, w := range last {
			for _, c := range alphabet {
				next = append(next, w+string(c))
			}
		}
		out, last = append(out, next...), next
	}
	return out
}

func TestRule04Containment(t *testing.T) {
	for _, row := range []struct {
		rule, p, q string
		want       bool
	}{
		{"equal", "a/*/c", "a/*/c", true},
		{"rest over literal", "a/*", "a/b/c", true},
		{"rest over pattern", "a/*", "a/b/*", true},
		{"rest over a star in the middle", "a/*", "a/*/c", true},
		{"star over literal segment", "a/*/c", "a/b/c", true},
		{"star is not the rest", "a/*/c", "a/b/*", false},
		{"prefix in a segment", "a/b*/c", "a/bc*/c", true},
		{"shorter prefix is wider", "a/bc*/c", "a/b*/c", false},
		{"literal over pattern", "a/b", "a/*", false},
		{"several stars over several", "a*b*c", "a*bxbc*c", true},
		{"several stars over fewer", "a*b*c", "a*c", false},
		{"rest needs a byte", "*/a/*", "*/a/", false},
		{"sibling", "team/*", "team2/x", false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			p, err1 := Compile(row.p)
			q, err2 := Compile(row.q)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if got := p.Contains(q); got != row.want {
				t.Errorf("%q contains %q: %v", row.p, row.q, got)
			}
		})
	}
}
