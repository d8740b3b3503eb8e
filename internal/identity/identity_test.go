package identity

import (
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

func TestRule10Subjects(t *testing.T) {
	const ws = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
	prefix := ExternalSubject(ws, issuer, "")
	room := maxSubject - len(prefix)
	for _, row := range []struct{ rule, subject, want string }{
		{"letters, digits, dot, underscore and hyphen stay", "aZ09._-", "aZ09._-"},
		{"everything else is escaped", "repo:acme/api", "repo%3Aacme%2Fapi"},
		{"the percent sign too", "%3A", "%253A"},
		{"and the tilde of the long form", "~", "%7E"},
		{"byte by byte", "é", "%C3%A9"},
		{"as long as it may be", strings.Repeat("x", room), strings.Repeat("x", room)},
		{"one byte longer", strings.Repeat("x", room+1), "~"},
		{"longer only when escaped", strings.Repeat(":", room), "~"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, ok := strings.CutPrefix(ExternalSubject(ws, issuer, row.subject), prefix)
			switch {
			case !ok || len(prefix)+len(got) > maxSubject:
				t.Errorf("%s (%d bytes)", got, len(got))
			case row.want == "~" && (got[0] != '~' || len(got) != 1+52), row.want != "~" && got != row.want:
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
	if !strings.HasPrefix(prefix, "workspace/"+ws+"/external/") || len(prefix) != len("workspace//external//")+26+26 {
		t.Errorf("%s", prefix)
	}
	if got := UserSubject(ws, "u"); got != "workspace/"+ws+"/user/u" {
		t.Errorf("%s", got)
	}
}

func TestIdentityOfTheFoldersOwner(t *testing.T) {
	all := []Permission{{"workspace", "*", []string{"admin"}}}
	got := NewLocal(tenant, "u", 3, all, start, start.Add(time.Hour))
	switch claims, err := got.Claims(); {
	case err != nil || len(claims) != 0:
		t.Errorf("claims %v, %v", claims, err)
	case got.IsZero(), got.Kind() != Local, got.Subject() != UserSubject(tenant.ID, "u"), got.Federated():
		t.Errorf("%+v", got.v)
	case len(got.Trusts()) != 1 || got.Trusts()[0] != (TrustRef{"u", 3}):
		t.Errorf("rests on %v", got.Trusts())
	}
	if !(Identity{}).IsZero() {
		t.Error("the zero identity is somebody")
	}
}

func TestIdentityShowsItsClaims(t *testing.T) {
	k, w := newKey(t, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(t, k))
	u := read(t, sign(t, k, "JWT", externalClaims().with(claims{"n": 7, "Sub": "no", "deep": claims{"x": true}})))
	got, err := newVerifier(w, nil, newClock()).External(t.Context(), tenant, u, discovery)
	if err != nil {
		t.Fatal(err)
	}
	all, err := got.Claims()
	if err != nil || all["n"] != int64(7) || all["sub"] != "repo:acme/api" || all["Sub"] != "no" {
		t.Errorf("%v, %v", all, err)
	}
}
