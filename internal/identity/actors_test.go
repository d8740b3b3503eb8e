package identity

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func supposed(t *testing.T, c claims) Identity {
	t.Helper()
	document, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	who, err := Suppose(tenant, document)
	if err != nil {
		t.Fatal(err)
	}
	return who.bearer
}

func TestRule34WhoActsByAnotherIssuersWord(t *testing.T) {
	mine := UserSubject(tenant.ID, "u")
	for _, row := range []struct {
		rule string
		act  any
		want []string // as nsc names them; nil where the claim is refused
	}{
		{"nobody", nil, []string{}},
		{"one of its own", claims{"sub": "a"}, []string{ExternalSubject(tenant.ID, issuer, "a")}},
		{"one of its own that has the form of ours", claims{"sub": mine}, nil},
		{"one of another issuer that has the form of ours, inside", claims{"sub": "a", "act": claims{"sub": mine, "iss": tenant.Issuer + "/"}}, nil},
		{"one of another workspace", claims{"sub": "workspace/b/user/u", "iss": "x"}, []string{ExternalSubject(tenant.ID, "x", "workspace/b/user/u")}},
		{"one of another issuer, and of ours before him", claims{"sub": "a", "iss": "x", "act": claims{"sub": mine, "iss": tenant.Issuer}},
			[]string{ExternalSubject(tenant.ID, "x", "a"), mine}},
		{"names are case-sensitive", claims{"sub": "a", "Sub": "b", "ISS": "x"}, []string{ExternalSubject(tenant.ID, issuer, "a")}},
		{"as long as it may be", claims{"sub": strings.Repeat("a", MaxActor)}, []string{ExternalSubject(tenant.ID, issuer, strings.Repeat("a", MaxActor))}},
		{"longer", claims{"sub": strings.Repeat("a", MaxActor+1)}, nil},
		{"an issuer as long as none may be", claims{"sub": "a", "iss": strings.Repeat("a", maxIssuer+1)}, nil},
		{"somebody of another workspace as one of ours", claims{"sub": UserSubject("bbbbbbbbbbbbbbbbbbbbbbbbba", "u"), "iss": tenant.Issuer}, nil},
		{"an issuer of no text", claims{"sub": "a", "iss": 7}, nil},
		{"null", jsonNull, nil},
		{"nobody inside", claims{"sub": "a", "act": claims{"iss": "x"}}, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			who := supposed(t, externalClaims().with(claims{"act": row.act}))
			act, err := who.UpstreamAct()
			if (err != nil) != (row.want == nil) || fmt.Sprint(act.Names(tenant)) != fmt.Sprint(row.want) || act.Len() != len(row.want) {
				t.Errorf("%s, %v", act, err)
			}
			if who.Act() != nil || who.MayAct() != nil {
				t.Error("it counts without being asked for")
			}
		})
	}
}

func TestRule34WhoMayActByAnotherIssuersWord(t *testing.T) {
	for _, row := range []struct {
		rule   string
		mayAct any
		want   *MayAct
		fails  bool
	}{
		{"nobody", nil, nil, false},
		{"one of its own", claims{"sub": "a"}, &MayAct{Issuer: issuer, Subject: "a"}, false},
		{"one of another issuer", claims{"sub": "a", "iss": "x"}, &MayAct{Issuer: "x", Subject: "a"}, false},
		{"one who is narrowed down", claims{"sub": "a", "email": "a@acme.example"}, nil, true},
		{"nobody by name", claims{}, nil, true},
		{"a text", "a", nil, true},
		{"null", jsonNull, nil, true},
	} {
		t.Run(row.rule, func(t *testing.T) {
			may, err := supposed(t, externalClaims().with(claims{"may_act": row.mayAct})).UpstreamMayAct()
			if (err != nil) != row.fails || !reflect.DeepEqual(may, row.want) {
				t.Errorf("%v, %v", may, err)
			}
		})
	}
}

// Where nothing is said, nothing is spent on it.
func TestRule34ATokenThatNamesNobodyCostsNothing(t *testing.T) {
	who := supposed(t, externalClaims())
	if n := testing.AllocsPerRun(10, func() {
		act, err := who.UpstreamAct()
		may, mayErr := who.UpstreamMayAct()
		if act != nil || may != nil || err != nil || mayErr != nil {
			t.Error(act, may, err, mayErr)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Our own tokens say it in our own words, and nothing else of them is another issuer's.
func TestRule34OurOwnWordIsNotAnotherIssuers(t *testing.T) {
	who := supposed(t, ownClaims().with(claims{
		"act": claims{"sub": "a", "act": claims{"iss": "x", "sub": "b"}}, "may_act": claims{"sub": "c"},
	}))
	if got, want := who.Act().Names(tenant), []string{"a", ExternalSubject(tenant.ID, "x", "b")}; !reflect.DeepEqual(got, want) || !who.Act().Told() {
		t.Errorf("act %v", got)
	}
	if may := who.MayAct(); may == nil || may.Subject != "c" || may.Issuer != "" {
		t.Errorf("may_act %v", may)
	}
	act, err := who.UpstreamAct()
	may, mayErr := who.UpstreamMayAct()
	if act != nil || may != nil || err != nil || mayErr != nil {
		t.Errorf("%v %v %v %v", act, may, err, mayErr)
	}
}
