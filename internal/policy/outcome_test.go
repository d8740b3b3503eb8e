package policy

import (
	"fmt"
	"strings"
	"testing"
)

func TestOutcomesAreBounded(t *testing.T) {
	w := newWorld(t)
	var many []Trust
	for i := range 100 {
		many = append(many, trust(func(tr *Trust) {
			tr.ID, tr.Condition = fmt.Sprintf("t%03d", i), fmt.Sprintf(`claims.sub == "%s"`, strings.Repeat("x", 1000))
		}))
	}
	d := Decide(w.external(nil), compile(t, many...), nil, w.ask())
	if len(d.Outcomes) != maxOutcomes || d.Reason != NoTrust {
		t.Errorf("%d outcomes, %s", len(d.Outcomes), d.Reason)
	}
	for _, o := range d.Outcomes {
		if len(o.Expected) > maxOperand+len("…") {
			t.Errorf("%d bytes", len(o.Expected))
		}
	}
}

func TestTheNearestTrustComesFirst(t *testing.T) {
	w := newWorld(t)
	var list []Trust
	const near = "repo:acme/api:ref:refs/heads/dev"
	for i, s := range []string{"repo:zeta/x", near, "repo:acme/web:*", "system:serviceaccount:a:b"} {
		list = append(list, trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = fmt.Sprint(i), s }))
	}
	d := Decide(w.external(nil), compile(t, list...), nil, w.ask())
	if len(d.Outcomes) != 4 || d.Outcomes[0].Expected != near || d.Outcomes[0].Actual != subject {
		t.Errorf("%+v", d.Outcomes)
	}
	d = Decide(w.external(nil), compile(t, list...), nil, w.ask(named("3")))
	if len(d.Outcomes) != 1 || d.Outcomes[0].Trust.ID != "3" {
		t.Errorf("the named one: %+v", d.Outcomes)
	}
}
