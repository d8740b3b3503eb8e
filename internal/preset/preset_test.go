package preset

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/nsc-federation/nsc/internal/policy"
)

// Claims as the issuer documents them are admitted, near variants are not, and no draft is one to be warned of.
func TestPresetsAdmitWhatIsDocumentedAndNothingNear(t *testing.T) {
	w := newWorld(t)
	for _, c := range documented {
		t.Run(c.name, func(t *testing.T) {
			w.TB = t
			p, err := Find(c.preset)
			if err != nil {
				t.Fatal(err)
			}
			trust := w.trust(p, c.values)
			if !w.admits(trust, c.claims) {
				t.Errorf("the documented claims are refused: %s, %s", trust.SubjectMatch, trust.Condition)
			}
			for name, change := range c.admitted {
				if !w.admits(trust, c.claims.with(change)) {
					t.Errorf("%s is refused: %s, %s", name, trust.SubjectMatch, trust.Condition)
				}
			}
			for name, change := range c.refused {
				if w.admits(trust, c.claims.with(change)) {
					t.Errorf("%s is admitted: %s, %s", name, trust.SubjectMatch, trust.Condition)
				}
			}
		})
	}
}

func TestEveryPresetHasClaimsAndAGuide(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range documented {
		tested[c.preset] = true
	}
	for _, p := range All() {
		if !tested[p.Name] {
			t.Errorf("%s has no documented claims here", p.Name)
		}
		guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guide", p.Guide))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range []string{"--preset " + p.Name, p.Source} {
			if !strings.Contains(string(guide), want) {
				t.Errorf("docs/guide/%s does not have %s", p.Guide, want)
			}
		}
	}
}

func TestExamplesAndDefaultsHaveTheirForm(t *testing.T) {
	for _, p := range All() {
		seen := map[string]bool{}
		for _, parameter := range p.Parameters {
			if seen[parameter.Name] {
				t.Errorf("%s has two parameters %s", p.Name, parameter.Name)
			}
			seen[parameter.Name] = true
			if !parameter.form.admits(parameter.Example) || parameter.Default != "" && !parameter.form.admits(parameter.Default) {
				t.Errorf("%s: %s: %q and %q are not %s", p.Name, parameter.Name, parameter.Example, parameter.Default, parameter.Accepts())
			}
		}
	}
}

// values returns accepted values of a preset.
func values(t *testing.T, name string) map[string]string {
	t.Helper()
	for _, c := range documented {
		if c.preset == name {
			return maps.Clone(c.values)
		}
	}
	t.Fatalf("no values for %s", name)
	return nil
}

// starred are the parameters that take a star, and which.
var starred = map[string]string{
	"branch *": "github-actions gitlab circleci", "branch x/*": "github-actions gitlab", "tag *": "github-actions gitlab",
	"tag x/*": "github-actions gitlab", "service-account *": "kubernetes eks gke aks", "path /x/*": "spiffe",
}

// No value reaches a condition or a subject that could mean something there: quotes, escapes, segments, stars.
func TestHostileValuesAreRefused(t *testing.T) {
	everywhere := []string{
		"", " ", `"`, `x" || true || "`, `x\" || true`, `\`, "x\n", "\nx", "x\x00", "x'", "x`", "x) || (true", "x || true", "\xff",
		"x // ", "x/* */", "x?y", "x[0]", "x{1}", "é", "x\u202e", "x\u00a0", strings.Repeat("9", longest+1), "x$y", "x&&y", "x==y", "x|y", "x<y",
	}
	stars := []string{"*", "x*", "*x", "x/*", "/x/*", "/x*", "x/*/y", "**", "x:*"}
	for _, p := range All() {
		for _, parameter := range p.Parameters {
			refuses := func(value string) {
				given := values(t, p.Name)
				given[parameter.Name] = value
				_, err := p.Trust(given)
				var e *Error
				if !errors.As(err, &e) || e.Parameter != parameter.Name {
					t.Errorf("%s takes %s %q: %v", p.Name, parameter.Name, value, err)
				}
			}
			for _, value := range everywhere {
				refuses(value)
			}
			for _, value := range stars {
				if strings.Contains(" "+starred[parameter.Name+" "+value]+" ", " "+p.Name+" ") {
					continue
				}
				refuses(value)
			}
			if parameter.Name != "environment" && parameter.Name != "issuer" && parameter.Name != "role-arn" {
				refuses("a:b")
			}
		}
	}
}

// FuzzTrust: whatever the values are, a draft that is made can be written, and its condition has the conjuncts of the
// preset and no other operator than theirs.
func FuzzTrust(f *testing.F) {
	for _, hostile := range []string{`x" || true || "`, "release/*", "a:b", `\u0022`, "x // y", "Production:V1", "v1.2.3"} {
		f.Add("github-actions", "environment", hostile)
		f.Add("gitlab", "project", hostile)
		f.Add("spiffe", "path", hostile)
	}
	f.Fuzz(func(t *testing.T, name, parameter, value string) {
		p, err := Find(name)
		if err != nil {
			return
		}
		given := map[string]string{}
		for _, c := range documented {
			if c.preset == name {
				given = maps.Clone(c.values)
				break
			}
		}
		plain, err := p.Trust(given)
		if err != nil {
			t.Fatal(err)
		}
		given[parameter] = value
		draft, err := p.Trust(given)
		if err != nil {
			return
		}
		draft.WorkspaceID = tenant.ID
		if _, _, err := policy.Check(draft, tenant); err != nil && !strings.HasPrefix(err.Error(), "issuer") {
			t.Errorf("%s with %s %q drafts what cannot be written: %v", name, parameter, value, err)
		}
		if strings.Contains(draft.Condition, "||") && !strings.Contains(plain.Condition, "||") {
			t.Errorf("%s with %s %q: condition %s", name, parameter, value, draft.Condition)
		}
	})
}

// A literal means exactly its text to CEL, whatever that is.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"", "main", `"`, `\`, `\"`, "\n", "é", "\U0001F600", "\x00", "\u2028", "'", "${x}"} {
		f.Add(text)
	}
	environment, err := cel.NewEnv()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		ast, issues := environment.Compile(literal(text))
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		program, err := environment.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := program.Eval(map[string]any{})
		if err != nil || value.Value() != text {
			t.Errorf("%q became %v, %v", text, value, err)
		}
	})
}

func TestParametersAreNamedWhereTheyAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		preset string
		change map[string]string
		want   string
	}{
		"one that is missing":     {"github-actions", map[string]string{"repository-id": ""}, "repository-id is missing; it is the repository's number"},
		"one of another preset":   {"github-actions", map[string]string{"project-id": "1"}, "project-id is no parameter of the preset github-actions"},
		"a misspelt one":          {"github-actions", map[string]string{"repositori": "1"}, "did you mean repository?"},
		"a value of another form": {"github-actions", map[string]string{"repository-id": "api"}, `repository-id is "api", and must be a number`},
		"two that exclude":        {"github-actions", map[string]string{"tag": "v1"}, "tag and branch exclude each other"},
		"neither of several":      {"github-actions", map[string]string{"branch": ""}, "branch is missing; give one of branch, tag, environment"},
		"the UID of all accounts": {"kubernetes", map[string]string{"service-account": "*"}, "service-account-uid is that of one service account"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Find(c.preset)
			if err != nil {
				t.Fatal(err)
			}
			given := values(t, c.preset)
			for parameter, value := range c.change {
				if given[parameter] = value; value == "" {
					delete(given, parameter)
				}
			}
			_, err = p.Trust(given)
			var e *Error
			if !errors.As(err, &e) || e.Preset != c.preset || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %s", err, c.want)
			}
		})
	}
	for name, want := range map[string]string{"zzz": "there are aks, aws", "github": "did you mean github-actions?", "gitlabb": "did you mean gitlab?"} {
		if _, err := Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q): %v; want %s", name, err, want)
		}
	}
}
