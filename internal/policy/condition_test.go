package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"cel.dev/cel-go/cel"
)

func TestRule19ConditionsAreRefusedWhenWritten(t *testing.T) {
	for _, row := range []struct {
		rule, condition string
		says            string // in the error; "" is accepted
	}{
		{"a comparison", `claims.repository_owner_id == "65"`, ""},
		{"several lines", "claims.a == \"b\" &&\n\tclaims.c in [\"d\"]", ""},
		{"a loop", `claims.groups.exists(g, g == "admins")`, ""},
		{"matches, as a method", `claims.sub.matches("repo:acme/api")`, "not anchored"},
		{"matches, as a function", `matches(claims.sub, "repo:acme/api")`, "not anchored"},
		{"not a bool", `claims.email_verified`, "not a bool"},
		{"no such variable", `token.sub == "x"`, "undeclared"},
		{"no such function", `now() > 5`, "undeclared"},
		{"not an expression", `claims.sub ==`, "does not compile"},
		{"two types", `"a" == 1`, "no matching overload"},
		{"loops within loops", `claims.a.all(x, claims.b.all(y, claims.c.all(z, x == y && y == z)))`, "cost too much"},
		{"too long", `claims.sub == "` + strings.Repeat("x", maxExpression) + `"`, "longer than"},
		{"too deep", strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200), "does not compile"},
		{"NUL", "claims.sub == \"\x00\"", "control character"},
		{"invalid UTF-8", "claims.sub == \"\xff\"", "UTF-8"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			_, err := checkCondition(row.condition)
			if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRule18ConjunctsThatPin(t *testing.T) {
	for _, row := range []struct {
		rule, condition string
		want            []string
	}{
		{"equal to a literal", `claims.owner_id == "65"`, []string{"owner_id"}},
		{"the other way round", `"65" == claims.owner_id`, []string{"owner_id"}},
		{"a number", `claims.owner_id == 65`, []string{"owner_id"}},
		{"by index", `claims["kubernetes.io"]["namespace"] == "prod"`, []string{"kubernetes.io.namespace"}},
		{"among conjuncts", `has(claims.x) && (claims.a == "b" && claims.c > 3)`, []string{"a"}},
		{"two", `claims.a == "b" && claims.c == "d"`, []string{"a", "c"}},
		{"within a disjunction", `claims.a == "b" || true`, nil},
		{"within a disjunction of a conjunction", `claims.a == "b" && claims.c == "d" || claims.e == "f"`, nil},
		{"negated", `!(claims.a == "b")`, nil},
		{"unequal", `claims.a != "b"`, nil},
		{"the empty literal", `claims.a == ""`, nil},
		{"a blank literal", `claims.a == " "`, nil},
		{"a bool, which half of all tokens have", `claims.email_verified == true`, nil},
		{"null", `claims.a == null`, nil},
		{"two claims", `claims.a == claims.b`, nil},
		{"two literals", `"a" == "a"`, nil},
		{"a prefix", `claims.a.startsWith("b")`, nil},
		{"the issuer, alike in all its tokens", `claims.iss == "https://issuer.example"`, nil},
		{"the audience, of the caller's choice", `claims.aud == "x"`, nil},
		{"a conditional", `true ? claims.a == "b" : false`, nil},
		{"presence", `has(claims.a)`, nil},
		{"an element of a list", `claims.a[0] == "b"`, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, err := checkCondition(row.condition)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("%s pins %q", row.condition, got)
			}
		})
	}
}

func TestRule19AnErrorIsNoMatchAndIsRecorded(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule, condition, actual string
		granted                 bool
	}{
		{"true", `claims.n == 5 && claims.f == 1.5 && claims.list[1] == "b"`, "", true},
		{"false", `claims.n == 6`, "false", false},
		{"an absent claim", `claims.absent == "x"`, "no such key", false},
		{"an absent claim that must differ", `claims.absent != "x"`, "no such key", false},
		{"a claim of another type", `claims.n.startsWith("5")`, "no such overload", false},
		{"division by zero", `1 / (claims.n - 5) == 1`, "division by zero", false},
		{"an absent claim that is asked for", `has(claims.absent) && claims.absent == "x"`, "false", false},
		{"a lone number is not a string", `claims.n == "5"`, "false", false},
	} {
		t.Run(row.rule, func(t *testing.T) {
			trusts := compile(t, trust(func(tr *Trust) { tr.Condition = row.condition }))
			who := w.external(claims{"n": 5, "f": 1.5, "list": []string{"a", "b"}})
			d := Decide(who, trusts, nil, w.ask())
			if _, ok := d.Grant(); ok != row.granted {
				t.Fatalf("%+v", d)
			}
			if row.granted {
				return
			}
			o := d.Outcomes[0]
			if d.Reason != NoTrust || o.Failed != ClauseCondition || o.Expected != row.condition {
				t.Errorf("%s %+v", d.Reason, o)
			}
			if !strings.Contains(o.Actual, row.actual) {
				t.Errorf("%q", o.Actual)
			}
		})
	}
}

func TestRule19CostIsCappedAtRun(t *testing.T) {
	w := newWorld(t)
	var list []int
	for i := range 900 {
		list = append(list, i)
	}
	quadratic := `claims.list.all(a, claims.list.exists(b, b > a - 2 && b >= a))`
	who := w.external(claims{"list": list})

	t.Run("of one expression", func(t *testing.T) {
		v := &evaluation{caller: who}
		if _, err := v.run(quadratic); err == nil || !strings.Contains(err.Error(), "cost limit") {
			t.Errorf("%v", err)
		}
		if v.spent > 2*maxActualCost {
			t.Errorf("spent %d", v.spent)
		}
	})
	t.Run("of all expressions together", func(t *testing.T) {
		v := &evaluation{caller: who}
		var err error
		for i := 0; i < 10 && !errors.Is(err, errBudget); i++ {
			_, err = v.run(quadratic + fmt.Sprintf(" && %d > 0", i))
		}
		if !errors.Is(err, errBudget) || v.spent > maxDecisionCost+2*maxActualCost {
			t.Errorf("%v, spent %d", err, v.spent)
		}
	})
}

func TestProgramsAreBoundedAndShared(t *testing.T) {
	p := newPrograms(3)
	get := func(i int) cel.Program {
		program, err := p.get(fmt.Sprintf(`claims.a == "%d"`, i))
		if err != nil {
			t.Fatal(err)
		}
		return program
	}
	first := get(0)
	for i := 1; i < 10; i++ {
		get(i)
		if get(0) != first {
			t.Fatal("what was used last is dropped")
		}
	}
	if len(p.byText) != 3 || p.recent.Len() != 3 {
		t.Errorf("%d programs, %d in order", len(p.byText), p.recent.Len())
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 40 {
				if _, err := p.get(fmt.Sprintf(`claims.a == "%d"`, i%5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(p.byText) > 3 {
		t.Errorf("%d programs", len(p.byText))
	}
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{
		`claims.sub == "x"`, `claims.groups.exists(g, g.startsWith("a"))`, `claims["a"]["b"] in ["c", 1]`,
		`claims.groups.map(g, g + g).filter(g, size(g) > 3).size() > 0`, `matches(claims.sub, "x")`, `1/0 == 1`,
		`timestamp("2026-01-01T00:00:00Z") < timestamp(claims.sub)`, `{"a": 1}.a == 1`, `b"\xff" == b"a"`,
		`has(claims.a) ? claims.a : false`, `[[1]][0][0] == 1`, `-9223372036854775808 == claims.n`,
		`google.protobuf.Any{} == null`, `claims.all(k, claims.all(j, k == j))`, `dyn([1, "a"]).exists(x, x == claims.n)`,
	} {
		f.Add(seed)
	}
	who := newWorld(f).external(claims{"groups": []string{"a", "b"}, "n": 5, "a": claims{"b": "c"}, "nothing": nil})
	bare := newWorld(f).external(claims{"sub": "∅", "jti": nil})
	f.Fuzz(func(t *testing.T, text string) {
		pinned, err := checkCondition(text)
		if err != nil {
			return
		}
		v := &evaluation{caller: who}
		first, err1 := v.holds(text)
		second, err2 := v.holds(text)
		if first != second || (err1 == nil) != (err2 == nil) {
			t.Errorf("%q: %v %v, then %v %v", text, first, err1, second, err2)
		}
		if first && err1 != nil {
			t.Errorf("%q: holds with the error %v", text, err1)
		}
		if holds, err := (&evaluation{caller: bare}).holds(text); holds && err == nil && len(pinned) > 0 {
			t.Errorf("%q: pins %q, and yet holds for a token that has nothing of the kind", text, pinned)
		}
	})
}
