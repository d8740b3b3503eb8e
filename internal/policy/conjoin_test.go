package policy

import (
	"slices"
	"strings"
	"testing"
)

// What somebody adds to a condition narrows it, and can never turn it off.
func TestConjoinNarrows(t *testing.T) {
	const pin = `claims.repository_id == "1"`
	for name, c := range map[string]struct{ condition, more, want, problem string }{
		"both":                      {pin, `claims.ref == "x" || claims.ref == "y"`, `(` + pin + `) && (claims.ref == "x" || claims.ref == "y")`, ""},
		"nothing to add":            {pin, "", pin, ""},
		"nothing there":             {"", pin, pin, ""},
		"out of the parentheses":    {pin, `true) || (true`, "", "does not compile"},
		"a comment at the end":      {pin, `true // x`, "", "cannot be joined"},
		"a comment and a line":      {pin, "true) || (true // x\n", "", "does not compile"},
		"no bool":                   {pin, `claims.ref`, "", "is not a bool"},
		"half an expression":        {pin, `|| true`, "", "does not compile"},
		"a string that is not shut": {pin, `"x`, "", "does not compile"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Conjoin(c.condition, c.more)
			if got != c.want || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("%q, %v; want %q, %q", got, err, c.want, c.problem)
			}
			if err != nil {
				return
			}
			if pinned, err := checkCondition(got); err != nil || !slices.Contains(pinned, "repository_id") {
				t.Errorf("%q pins %v, %v", got, pinned, err)
			}
		})
	}
}
