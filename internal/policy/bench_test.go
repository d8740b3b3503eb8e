package policy

import (
	"fmt"
	"testing"
	"time"
)

// many returns n trusts: literal subjects, of which one is the fixture's, or patterns.
func many(b *testing.B, n int, pattern, condition string) *Trusts {
	b.Helper()
	list := []Trust{trust(func(tr *Trust) { tr.Condition = condition })}
	for i := range n - 1 {
		list = append(list, trust(func(tr *Trust) {
			tr.ID, tr.SubjectMatch = fmt.Sprintf("t%025d", i), fmt.Sprintf(pattern, i)
		}))
	}
	return compile(b, list...)
}

func BenchmarkDecideExternal(b *testing.B) {
	const literal, pattern = "repo:acme/app-%d:ref:refs/heads/main", "repo:acme/app-%d:*"
	w := newWorld(b)
	for _, row := range []struct {
		name, pattern, condition string
		trusts                   int
	}{
		{"10 literal", literal, "", 10},
		{"100000 literal", literal, "", 100_000},
		{"10 patterns", pattern, "", 10},
		{"100000 patterns", pattern, "", 100_000},
		{"10 literal, condition", literal, `claims.team == "core"`, 10},
		{"100000 literal, condition", literal, `claims.team == "core"`, 100_000},
	} {
		b.Run(row.name, func(b *testing.B) {
			trusts := many(b, row.trusts, row.pattern, row.condition)
			who := w.external(claims{"team": "core"})
			b.ReportAllocs()
			for b.Loop() {
				w.granted(Decide(who, trusts, nil, w.ask()))
			}
		})
	}
	b.Run("100000 literal, no match", func(b *testing.B) {
		trusts := many(b, 100_000, literal, "")
		who := w.external(claims{"sub": "repo:acme/unknown:ref:refs/heads/main"})
		b.ReportAllocs()
		for b.Loop() {
			if d := Decide(who, trusts, nil, w.ask()); d.Reason != NoTrust {
				b.Fatal(d)
			}
		}
	})
}

func BenchmarkDecideOwn(b *testing.B) {
	w := newWorld(b)
	who := w.mustOwn(w.granted(Decide(w.external(nil), compile(b, trust()), nil, w.ask())))
	live := who.Trusts()
	req := w.ask(idToken, forAudience("https://api.example/v1"))
	b.ReportAllocs()
	for b.Loop() {
		w.granted(Decide(who, nil, live, req))
	}
}

func BenchmarkCompile(b *testing.B) {
	checked, _, err := Check(trust(func(tr *Trust) { tr.Condition = `claims.team == "core"` }), tenant)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(checked, tenant); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	who := newWorld(b).external(claims{"team": "core", "groups": []string{"a", "b", "c"}})
	for _, text := range []string{`claims.team == "core"`, `claims.groups.exists(g, g == "c")`} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := (&evaluation{caller: who}).holds(text); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
	b.Run("compiled for the first time", func(b *testing.B) {
		p := newPrograms(maxPrograms)
		i := 0
		for b.Loop() {
			if _, err := p.get(fmt.Sprintf(`claims.team == "core-%d"`, i)); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
	b.Run("as costly as one may be", func(b *testing.B) {
		var list []int
		for i := range 2000 {
			list = append(list, i)
		}
		who := newWorld(b).external(claims{"list": list, "iat": start.Unix(), "exp": start.Add(time.Hour).Unix()})
		for b.Loop() {
			v := &evaluation{caller: who}
			if _, err := v.run(`claims.list.all(a, claims.list.exists(b, b > a - 2 && b >= a))`); err == nil {
				b.Fatal("below the limit")
			}
		}
	})
}
