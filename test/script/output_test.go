package script

import (
	"strings"
	"testing"
)

// prints reports whether a text is what a page shows. The page's `…` stands for any text within a line, and for any
// lines where it stands alone. Columns are as wide as what is in them, so that runs of spaces count as one.
func prints(shown, printed string) bool { return matchLines(lines(shown), lines(printed)) }

func lines(text string) []string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range all {
		all[i] = strings.Join(strings.Fields(line), " ")
	}
	return all
}

func matchLines(shown, printed []string) bool {
	switch {
	case len(shown) == 0:
		return len(printed) == 0
	case shown[0] == "…":
		return matchLines(shown[1:], printed) || len(printed) > 0 && matchLines(shown, printed[1:])
	}
	return len(printed) > 0 && matchLine(shown[0], printed[0]) && matchLines(shown[1:], printed[1:])
}

// matchLine tries each piece between two `…` where it first occurs, which leaves the most for what follows.
func matchLine(shown, printed string) bool {
	pieces := strings.Split(shown, "…")
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(pieces) == 1 {
		return shown == printed
	}
	rest, ok := strings.CutPrefix(printed, first)
	if !ok {
		return false
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		if _, rest, ok = strings.Cut(rest, piece); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}

func TestPrints(t *testing.T) {
	for _, c := range []struct {
		shown, printed string
		want           bool
	}{
		{"a  b\n", "a b", true},
		{"a b", "a c", false},
		{"a b", "a b\nc", false},
		{"a …", "a b c", true},
		{"a … c", "a b", false},
		{"a … c … e", "a b c d e", true},
		{"a … c … e", "a b d c d e", true},
		{"a … c … e", "a b d e", false},
		{"a\n…\nc", "a\nc", true},
		{"a\n…\nc", "a\nb\nb\nc", true},
		{"a\n…\nc", "a\nb\nb", false},
		{"…", "", true},
		{"", "a", false},
		{"aa…aa", "aaa", false},
	} {
		if got := prints(c.shown, c.printed); got != c.want {
			t.Errorf("prints(%q, %q) = %t", c.shown, c.printed, got)
		}
	}
}
