package credentials

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseStoredToken(t *testing.T) {
	for name, c := range map[string]struct{ content, problem string }{
		"a sign-in":               {`{"bearer_token":"t","session_token":""}`, ""},
		"a sign-in with space":    {"\n {\"bearer_token\":\"t\"}\n\n", ""},
		"an unknown member":       {`{"bearer_token":"t","later":1}`, ""},
		"nothing":                 {"", "is empty"},
		"only space":              {" \n", "is empty"},
		"half written":            {`{"bearer_token":"t`, "is not whole JSON; it may be half written"},
		"something after it":      {`{"bearer_token":"t"}{`, "is not whole JSON; it may be half written"},
		"another kind of JSON":    {`["t"]`, `is JSON, but not what is expected: {"bearer_token"`},
		"a token of another kind": {`{"bearer_token":7}`, "is JSON, but not what is expected"},
		"no token":                {`{"session_token":"s"}`, "has no bearer_token"},
		"an empty token":          {`{"bearer_token":""}`, "has no bearer_token"},
		"null":                    {`null`, "has no bearer_token"},
		"a bare token":            {"eyJh.eyJp.c2ln\n", "holds a bare token"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse([]byte(c.content))
			switch {
			case c.problem == "" && (err != nil || s.BearerToken != "t"):
				t.Errorf("%+v, %v", s, err)
			case c.problem != "" && (err == nil || !strings.HasPrefix(err.Error(), c.problem)):
				t.Errorf("error %v, want %q", err, c.problem)
			}
		})
	}
}

func FuzzStoredToken(f *testing.F) {
	for _, seed := range []string{`{"bearer_token":"t","session_token":"s"}`, `{"bearer_token":"t"}x`, "", "ey.a.b", `{"Bearer_Token":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := Parse(content)
		if err != nil {
			return
		}
		if s.BearerToken == "" {
			t.Fatal("accepted without a token")
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Parse(again); err != nil || back != s {
			t.Fatalf("%+v is read back as %+v, %v", s, back, err)
		}
		_, _ = Read(s) // must not panic on any token
	})
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	for _, good := range []string{"a", "ci", "prod-2", "A_b.c", strings.Repeat("x", 64)} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", ".", "..", "../x", "a/b", `a\b`, ".hidden", "-flag", "_x", "a b", "a\x00", "ä", "a:b", strings.Repeat("x", 65)} {
		if CheckName(bad) == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestReadTokenOfOurs(t *testing.T) {
	c, err := Read(Stored{BearerToken: token(t, "prod", 0)})
	if err != nil || c.Base != "https://nsc.example.com" || c.Workspace != "prod" || c.Subject != "workspace/x/user/y" || !c.ExpiresAt.Equal(noon) {
		t.Errorf("%+v, %v", c, err)
	}
	if !c.Expired(noon) || c.Expired(noon.Add(-1)) {
		t.Error("a token ends at its exp, and not before")
	}
	for name, claims := range map[string]string{
		"issuer without a workspace": `{"iss":"https://nsc.example.com","exp":1}`,
		"issuer that is no URL":      `{"iss":"nsc/w/prod","exp":1}`,
		"issuer of another scheme":   `{"iss":"file:///w/prod","exp":1}`,
		"name with a path":           `{"iss":"https://nsc.example.com/w/a/b","exp":1}`,
		"no end":                     `{"iss":"https://nsc.example.com/w/prod"}`,
	} {
		if c, err := Read(Stored{BearerToken: sign(t, claims)}); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if _, err := Read(Stored{BearerToken: "opaque"}); err == nil {
		t.Error("an opaque token is accepted")
	}
}
