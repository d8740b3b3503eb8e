package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nsc-federation/nsc/internal/identity"
)

// supposed returns who an external token with the changes would be, without one.
func (w *world) supposed(changes claims) identity.Supposed {
	w.Helper()
	who, err := identity.Suppose(tenant, []byte(w.external(changes).Payload()))
	if err != nil {
		w.Fatal(err)
	}
	return who
}

// A row says what of a trust fails a token, how nearly, and what is proposed: a field and its new value, or advice.
func TestExplainEveryClause(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		rule   string
		trust  func(*Trust)
		claims claims
		ask    func(*Request)
		clause Clause
		near   []NearMiss
		field  string
		to     string
		advice string
	}{
		{"matches", nil, nil, nil, "", nil, "", "", ""},
		{"subject: a trailing slash", func(t *Trust) { t.SubjectMatch = "repo:acme/api" }, claims{"sub": "repo:acme/api/"}, nil,
			ClauseSubject, []NearMiss{NearSlash}, "subject_match", "repo:acme/api/", ""},
		{"subject: another case", func(t *Trust) { t.SubjectMatch = "repo:acme/api:*" }, claims{"sub": "repo:Acme/api:ref"}, nil,
			ClauseSubject, []NearMiss{NearCase}, "subject_match", "repo:Acme/api:*", ""},
		{"subject: white space", nil, claims{"sub": subject + " "}, nil, ClauseSubject, []NearMiss{NearSpace}, "subject_match", subject + " ", ""},
		{"subject: a scheme", func(t *Trust) { t.SubjectMatch = "https://a.example/b" }, claims{"sub": "http://a.example/b"}, nil,
			ClauseSubject, []NearMiss{NearScheme}, "subject_match", "http://a.example/b", ""},
		{"subject: a renamed repository", func(t *Trust) { t.SubjectMatch = "repo:acme/old:*" }, claims{"sub": "repo:acme/new:ref:x"}, nil,
			ClauseSubject, []NearMiss{NearSegment}, "subject_match", "repo:acme/new:*", ""},
		{"subject: stars stay where they are", func(t *Trust) { t.SubjectMatch = "repo:acme/*:ref:main" }, claims{"sub": "repo:acme/x:ref:dev"}, nil,
			ClauseSubject, []NearMiss{NearSegment}, "subject_match", "repo:acme/*:ref:dev", ""},
		{"subject: a star of the token's makes no pattern", func(t *Trust) { t.SubjectMatch = "repo:acme/x" }, claims{"sub": "repo:acme/*"}, nil,
			ClauseSubject, []NearMiss{NearSegment}, "", "", "a trust of its own"},
		{"subject: two segments", nil, claims{"sub": "repo:acme/web:ref:refs/heads/dev"}, nil, ClauseSubject, nil, "", "", "a trust of its own"},
		{"subject: an ID is a pin", func(t *Trust) { t.SubjectMatch = "project:123:main" }, claims{"sub": "project:124:main"}, nil,
			ClauseSubject, []NearMiss{NearSegment}, "", "", "somebody else's"},
		{"subject: a repository of the same name made again", func(t *Trust) { t.SubjectMatch = "repo:acme@1/api@2:x" },
			claims{"sub": "repo:acme@1/api@3:x"}, nil, ClauseSubject, []NearMiss{NearSegment}, "", "", "somebody else's"},
		{"enabled", func(t *Trust) { t.Enabled = false }, nil, nil, ClauseEnabled, nil, "enabled", "true", ""},
		{"audience: a trailing slash", func(t *Trust) { t.Audience = "https://x.example" }, claims{"aud": "https://x.example/"}, nil,
			ClauseAudience, []NearMiss{NearSlash}, "audience", "https://x.example/", "ask the issuer"},
		{"audience: the issuer", func(t *Trust) { t.Audience = "https://x.example" }, nil, nil,
			ClauseAudience, nil, "audience", tenant.Issuer, "ask the issuer"},
		{"audience: somebody else's", nil, claims{"aud": "sts.amazonaws.com"}, nil, ClauseAudience, nil, "", "", "ask the issuer for a token with the audience " + tenant.Issuer},
		{"lifetime", func(t *Trust) { t.MaxLifetime = time.Minute }, nil, nil, ClauseLifetime, nil, "max_external_lifetime", "5m0s", "ask the issuer"},
		{"condition: spelling", func(t *Trust) { t.Condition = `claims.env == "prod" && claims.n > 1` }, claims{"env": "Prod", "n": 2}, nil,
			ClauseCondition, []NearMiss{NearCase}, "condition", `claims.env == "Prod" && claims.n > 1`, ""},
		{"condition: || keeps its parentheses", func(t *Trust) { t.Condition = `(claims.a == "1" || claims.b == "2") && claims.env == "prod"` },
			claims{"env": "prod ", "a": "1"}, nil, ClauseCondition, []NearMiss{NearSpace}, "condition",
			`(claims.a == "1" || claims.b == "2") && claims.env == "prod "`, ""},
		{"condition: another value", func(t *Trust) { t.Condition = `claims.env == "prod"` }, claims{"env": "dev"}, nil,
			ClauseCondition, nil, "", "", "another value"},
		{"condition: an owner's ID is a pin", func(t *Trust) { t.Condition = `claims.repository_owner_id == "1 "` },
			claims{"repository_owner_id": "1"}, nil, ClauseCondition, []NearMiss{NearSpace}, "", "", "somebody else's"},
		{"condition: a claim that is not there", func(t *Trust) { t.Condition = `claims.env == "prod"` }, claims{"Env": "prod"}, nil,
			ClauseCondition, []NearMiss{NearName}, "", "", "lacks the claim env"},
		{"condition: nothing is left out", func(t *Trust) { t.Condition = `claims.n > 1` }, claims{"n": 1}, nil, ClauseCondition, nil, "", "", "nothing is left out"},
		{"mapping", func(t *Trust) { t.Mappings = map[string]string{"groups": "claims.groups"} }, nil, nil, ClauseMapping, nil, "", "", ""},
		{"single use without jti", func(t *Trust) { t.SingleUse = true }, claims{"jti": nil}, nil, ClauseSingleUse, nil, "", "", "no jti"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			change, ask := row.trust, row.ask
			if change == nil {
				change = func(*Trust) {}
			}
			if ask == nil {
				ask = func(*Request) {}
			}
			tr := trust(change)
			e := Explain(w.supposed(row.claims), compile(t, tr), nil, w.ask(ask))
			f := e.Trusts[0]
			if row.clause == "" {
				if e.Reason != Granted || len(f.Failures) > 0 || len(e.Grants) == 0 {
					t.Errorf("%+v", e)
				}
				return
			}
			if len(f.Failures) != 1 || f.Failures[0].Clause != row.clause || !slices.Equal(f.Failures[0].Near, row.near) {
				t.Errorf("failures %+v", f.Failures)
			}
			if !strings.Contains(strings.Join(f.Advice, "; "), row.advice) {
				t.Errorf("advice %q", f.Advice)
			}
			if (f.Change != nil) != (row.field != "") {
				t.Fatalf("change %+v", f.Change)
			}
			if f.Change == nil {
				return
			}
			if edit := f.Change.Edits[0]; edit.Field != row.field || edit.To != row.to || len(f.Change.Admits) == 0 {
				t.Errorf("edit %+v, %q", edit, f.Change.Admits)
			}
			if after := Explain(w.supposed(row.claims), compile(t, apply(t, tr, *f.Change)), nil, w.ask(ask)); after.Reason != Granted {
				t.Errorf("after the change: %s %+v", after.Reason, after.Trusts)
			}
		})
	}
}

// apply makes a proposed change, as an administrator would.
func apply(t *testing.T, tr Trust, c Change) Trust {
	t.Helper()
	tr.Grants = Union(tr.Grants, c.Grants)
	for _, e := range c.Edits {
		switch e.Field {
		case "subject_match":
			tr.SubjectMatch = e.To
		case "audience":
			tr.Audience = e.To
		case "condition":
			tr.Condition = e.To
		case "enabled":
			tr.Enabled = e.To == "true"
		case "max_external_lifetime":
			d, err := time.ParseDuration(e.To)
			if err != nil {
				t.Fatal(err)
			}
			tr.MaxLifetime = d
		default:
			t.Fatalf("field %q", e.Field)
		}
	}
	return tr
}

// Rule 28: of an issuer that many customers share, no proposal lets in another customer.
func TestRule28NoProposalDropsAPin(t *testing.T) {
	w := newWorld(t)
	for rule, row := range map[string]struct {
		subject, condition, sub string
		claims                  claims
	}{
		"another owner":                 {"repo:acme/api:ref:x", "", "repo:evil/api:ref:x", nil},
		"another owner, and his ID":     {"repo:acme/api:*", `claims.repository_owner_id == "1"`, "repo:evil/api:ref:x", claims{"repository_owner_id": "2"}},
		"the owner's name taken over":   {"repo:acme/api:*", `claims.repository_owner_id == "1"`, "repo:acme/api:ref:x", claims{"repository_owner_id": "2"}},
		"the owner's ID in the subject": {"repo:acme@1/api:ref:x", "", "repo:acme@2/api:ref:x", nil},
	} {
		t.Run(rule, func(t *testing.T) {
			tr := trust(func(t *Trust) { t.Issuer, t.SubjectMatch, t.Condition = gitHub, row.subject, row.condition })
			row.claims = merged(row.claims, claims{"iss": gitHub, "sub": row.sub})
			for _, f := range Explain(w.supposed(row.claims), compile(t, tr), nil, w.ask()).Trusts {
				if f.Change != nil || len(f.Advice) == 0 {
					t.Errorf("proposed %+v, advice %q", f.Change, f.Advice)
				}
			}
		})
	}
}

func merged(a, b claims) claims {
	out := claims{}
	for _, m := range []claims{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func TestExplainWhatIsNotHeld(t *testing.T) {
	w := newWorld(t)
	trusts := compile(t, trust())
	for rule, row := range map[string]struct {
		ask    func(*Request)
		reason Reason
		add    []identity.Permission
	}{
		"an audience": {func(r *Request) { r.Audience = "https://other.example" }, TargetRefused, these(grant(Audience, "https://other.example", Issue))},
		"a grant": {func(r *Request) { r.HasDetails, r.Details = true, these(grant(Docker, "build", "container:start")) },
			DetailsRefused, these(grant(Docker, "build", "container:start"))},
		"everything": {func(r *Request) { r.HasDetails, r.Details = true, these(grant(Workspace, "*", Admin)) }, DetailsRefused, nil},
		"a pattern":  {func(r *Request) { r.HasDetails, r.Details = true, these(grant(Registry, "team/*", "pull")) }, DetailsRefused, nil},
		"a scope":    {func(r *Request) { r.Scope = []string{"docker:container:start"} }, ScopeRefused, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			e := Explain(w.supposed(nil), trusts, nil, w.ask(row.ask))
			if e.Reason != row.reason || e.Asked == "" {
				t.Fatalf("%+v", e)
			}
			switch change := e.Trusts[0].Change; {
			case row.add == nil && change != nil:
				t.Errorf("proposed %+v", change)
			case row.add != nil && (change == nil || fmt.Sprint(change.Grants) != fmt.Sprint(row.add)):
				t.Errorf("proposed %+v", change)
			}
		})
	}
}

func TestExplainATokenOfOurOwn(t *testing.T) {
	w := newWorld(t)
	own := w.mustOwn(w.granted(Decide(w.external(nil), compile(t, trust()), nil, w.ask())))
	who, err := identity.Suppose(tenant, []byte(own.Payload()))
	if err != nil {
		t.Fatal(err)
	}
	if e := Explain(who, nil, nil, w.ask()); e.Reason != DeadTrust || len(e.Trusts) != 1 || e.Trusts[0].Failures[0].Clause != ClauseVersion {
		t.Errorf("dead: %+v", e)
	}
	e := Explain(who, nil, own.Trusts(), w.ask(func(r *Request) { r.Audience = "https://other.example" }))
	if e.Reason != TargetRefused || e.Trusts[0].Change == nil || e.Trusts[0].Trust != own.Trusts()[0] {
		t.Errorf("not held: %+v", e)
	}
}

// The nearest comes first, however many others there are.
func TestExplainNearestFirst(t *testing.T) {
	w := newWorld(t)
	var list []Trust
	for i := range 60 {
		list = append(list, trust(func(tr *Trust) {
			tr.ID, tr.SubjectMatch = fmt.Sprintf("other%02d", i), fmt.Sprintf("repo:acme/b%02d:x:y", i)
		}))
	}
	for i, s := range []string{"zzz:acme/web:ref:refs/heads/main", "REPO:acme/api:ref:refs/heads/main", "repo:acme/api:ref:refs/heads/dev"} {
		list = append(list, trust(func(tr *Trust) { tr.ID, tr.SubjectMatch = fmt.Sprintf("near%d", i), s }))
	}
	list = append(list, trust(func(tr *Trust) { tr.ID, tr.Condition = "conditional", `claims.env == "prod"` }))
	e := Explain(w.supposed(claims{"env": "PROD"}), compile(t, list...), nil, w.ask())
	var ids []string
	for _, f := range e.Trusts[:3] {
		ids = append(ids, f.Trust.ID)
	}
	slices.Sort(ids)
	if fmt.Sprint(ids) != "[conditional near1 near2]" || len(e.Trusts) > maxFindings {
		t.Errorf("%v of %d", ids, len(e.Trusts))
	}
}

// The trust that is for the subject comes first, whatever else fails of it, and while there is one, nobody is let in by a
// stranger's.
func TestExplainTheTrustThatIsForTheSubjectFirst(t *testing.T) {
	w := newWorld(t)
	var list []Trust
	for id, change := range map[string]func(*Trust){
		"meant": func(t *Trust) {
			t.SubjectMatch, t.Condition = "cond:*", `claims.n > 1 && claims.m == "x" && claims.o == "y"`
		},
		"audience": func(t *Trust) { t.SubjectMatch, t.Audience = "cond:*", "https://x.example" },
		"spelled":  func(t *Trust) { t.SubjectMatch = "Cond:x" },
		"segment":  func(t *Trust) { t.SubjectMatch = "role:x" },
		"another":  func(t *Trust) { t.SubjectMatch = "cond:y" },
		"far":      func(t *Trust) { t.SubjectMatch = "a:b:c:d" },
	} {
		list = append(list, trust(func(t *Trust) { t.ID = id }, change))
	}
	explain := func(list ...Trust) (order, proposed []string) {
		for _, f := range Explain(w.supposed(claims{"sub": "cond:x"}), compile(t, list...), nil, w.ask()).Trusts {
			if order = append(order, f.Trust.ID); f.Change != nil {
				proposed = append(proposed, f.Trust.ID)
			} else if len(f.Advice) == 0 {
				t.Errorf("%s: nothing is proposed, and nothing said", f.Trust.ID)
			}
		}
		return order, proposed
	}
	order, proposed := explain(list...)
	if want := []string{"meant", "audience", "spelled", "another", "segment", "far"}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
	if want := []string{"audience", "spelled"}; !slices.Equal(proposed, want) {
		t.Errorf("proposed are %v, want %v", proposed, want)
	}
	rest := slices.DeleteFunc(list, func(t Trust) bool { return strings.HasPrefix(t.SubjectMatch, "cond:*") })
	if _, proposed := explain(rest...); !slices.Contains(proposed, "another") {
		t.Errorf("where no trust is for the subject, proposed are %v", proposed)
	}
}

// Whatever the token and the trusts: an explanation gives the reason that the decision gives, a proposal admits the token,
// it has no star that was not there, and the condition keeps all its parts.
func TestExplainAgreesWithDecideAndProposalsDoNotWiden(t *testing.T) {
	w := newWorld(t)
	subjects := []string{subject, "repo:acme/api:*", "repo:acme/*:ref:refs/heads/main", "repo:acme/web:ref:refs/heads/main", "Repo:acme/api", "x:7:y", "https://a.example/b"}
	conditions := []string{"", `claims.env == "prod"`, `claims.env == "prod" && claims.repository_id == "7"`, `claims.env == "prod" || claims.n > 2`, `claims.n > 2`}
	audiences := []string{"", "https://x.example", "https://x.example/*"}
	rapid.Check(t, func(r *rapid.T) {
		change := claims{
			"sub": rapid.SampledFrom(append(subjects, "x:8:y", "repo:acme/*", "http://a.example/b", "repo:acme/api:a:b")).Draw(r, "sub"),
			"env": rapid.SampledFrom([]any{"prod", "Prod", "dev", nil}).Draw(r, "env"), "n": rapid.IntRange(1, 4).Draw(r, "n"),
			"repository_id": rapid.SampledFrom([]any{"7", "8"}).Draw(r, "id"),
			"aud":           rapid.SampledFrom([]string{tenant.Issuer, "https://x.example", "https://x.example/"}).Draw(r, "aud"),
			"act":           rapid.SampledFrom([]any{nil, claims{"sub": "x"}, "x"}).Draw(r, "act"),
		}
		var list []Trust
		for i := range rapid.IntRange(0, 4).Draw(r, "trusts") {
			list = append(list, trust(func(tr *Trust) {
				tr.ID, tr.SubjectMatch = fmt.Sprint(i), rapid.SampledFrom(subjects).Draw(r, "pattern")
				tr.Condition, tr.Audience = rapid.SampledFrom(conditions).Draw(r, "condition"), rapid.SampledFrom(audiences).Draw(r, "audience")
				tr.Enabled, tr.SingleUse = rapid.Bool().Draw(r, "enabled"), rapid.Bool().Draw(r, "once")
				tr.AcceptDelegation = rapid.Bool().Draw(r, "believing")
			}))
		}
		trusts, req := compile(t, list...), w.ask()
		req.Audience = rapid.SampledFrom([]string{"", "https://api.example/x", "https://no.example"}).Draw(r, "asked")
		d, e := Decide(w.external(change), trusts, nil, req), Explain(w.supposed(change), trusts, nil, req)
		if d.Reason != e.Reason {
			r.Fatalf("decided %s, explained %s", d.Reason, e.Reason)
		}
		for _, f := range e.Trusts {
			if f.Change == nil {
				continue
			}
			i := slices.IndexFunc(list, func(tr Trust) bool { return tr.ID == f.Trust.ID })
			changed := apply(t, list[i], *f.Change)
			if strings.Count(changed.SubjectMatch, "*") > strings.Count(list[i].SubjectMatch, "*") || strings.Contains(changed.Audience, "*") && len(f.Change.Edits) > 0 && changed.Audience != list[i].Audience {
				r.Fatalf("widened: %+v", f.Change)
			}
			if strings.Contains(list[i].Condition, "repository_id") && !strings.Contains(changed.Condition, `claims.repository_id == "7"`) {
				r.Fatalf("a pin is gone: %s", changed.Condition)
			}
			req.Trust = changed.ID
			if after := Explain(w.supposed(change), compile(t, changed), nil, req); after.Reason != Granted {
				r.Fatalf("after %+v: %s", f.Change, after.Reason)
			}
			req.Trust = ""
		}
	})
}

func FuzzExplain(f *testing.F) {
	f.Add(subject, "repo:acme/*:ref:main", `{"iss":"https://issuer.example","sub":"a","aud":"b","env":"x"}`)
	f.Add(subject, subject, `{"aud":"b","env":"prod","act":{"sub":"a","act":{"iss":"x","sub":"b"}},"may_act":{"sub":"c"}}`)
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, pattern, sub, document string) {
		var c map[string]any
		if json.Unmarshal([]byte(document), &c) != nil || c == nil {
			return
		}
		c["iss"], c["sub"] = issuer, sub
		payload, err := json.Marshal(c)
		if err != nil {
			return
		}
		who, err := identity.Suppose(tenant, payload)
		if err != nil {
			return
		}
		checked, _, err := Check(trust(func(tr *Trust) {
			tr.SubjectMatch, tr.Condition, tr.AcceptDelegation = pattern, `claims.env == "prod"`, true
		}), tenant)
		if err != nil {
			return
		}
		compiled, err := Compile(checked, tenant)
		if err != nil {
			t.Fatal(err)
		}
		e := Explain(who, NewTrusts([]*Compiled{compiled}), nil, w.ask())
		for _, found := range e.Trusts {
			if found.Change != nil && found.Change.Edits[0].Field == "subject_match" && !compilesAndMatches(found.Change.Edits[0].To, sub) {
				t.Fatalf("%+v does not admit %q", found.Change, sub)
			}
		}
	})
}

func compilesAndMatches(pattern, text string) bool {
	p, _, err := CompileSubject(pattern)
	return err == nil && p.Match(text)
}
