package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// codes returns the codes that the source declares.
func codes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, Code(text))
		}
		return true
	})
	return list
}

func TestEveryCodeHasItsFace(t *testing.T) {
	list := codes(t)
	if len(list) < 20 || len(list) != len(table) {
		t.Errorf("%d codes, %d rows", len(list), len(table))
	}
	for _, code := range list {
		f := New(code, errors.New("cause"))
		row, ok := table[code]
		if !ok || row.status < 400 || row.status > 599 || row.oauth == "" || row.text == "" {
			t.Errorf("%s: %+v", code, row)
		}
		if f.Status() != row.status || f.OAuth() != row.oauth || f.Text() != row.text {
			t.Errorf("%s: %d %s %s", code, f.Status(), f.OAuth(), f.Text())
		}
	}
}

func TestSecurityACauseIsForTheLogAlone(t *testing.T) {
	secret := errors.New("password 1234 of 10.0.0.1")
	for _, code := range codes(t) {
		f := New(code, secret)
		if strings.Contains(f.Text()+f.OAuth()+f.Detail+f.Field, "1234") {
			t.Errorf("%s tells its cause: %s", code, f.Text())
		}
		if !strings.Contains(f.Error(), "1234") || !errors.Is(f, secret) {
			t.Errorf("%s hides its cause from the log: %s", code, f.Error())
		}
	}
}

func TestWhatACallerIsTold(t *testing.T) {
	for rule, row := range map[string]struct {
		f    *Fault
		text string
		log  string
	}{
		"the code's text":          {Newf(NotFound, "trust %q", "x"), table[NotFound].text, `not_found: trust "x"`},
		"a field and its problem":  {Invalid("issuer", "is %d bytes", 3), "issuer: is 3 bytes", "invalid_field: is 3 bytes"},
		"a detail without a field": {&Fault{Code: Conflict, Detail: "taken"}, "taken", "conflict: taken"},
		"nothing but the code":     {&Fault{Code: Stale}, table[Stale].text, "stale"},
	} {
		if row.f.Text() != row.text || row.f.Error() != row.log {
			t.Errorf("%s: %q, log %q", rule, row.f.Text(), row.f.Error())
		}
	}
	unknown := &Fault{Code: "new"}
	if unknown.Status() != http.StatusInternalServerError || unknown.OAuth() != "server_error" {
		t.Errorf("%d %s", unknown.Status(), unknown.OAuth())
	}
}

func TestFaultsAreFoundInChains(t *testing.T) {
	f := Newf(TooMany, "slow down")
	wrapped := fmt.Errorf("call: %w", f)
	plain := errors.New("plain")
	if From(wrapped) != f || !Is(wrapped, TooMany) || Is(wrapped, NotFound) || Is(nil, TooMany) || Is(plain, Internal) {
		t.Error("not found, or found what is not there")
	}
	if got := From(plain); got.Code != Internal || !errors.Is(got, plain) {
		t.Errorf("%v", got)
	}
}

// Rule 28: what is shown where nobody vouches for the caller repeats nothing of his.
func TestRule28TheGistHasGapsForWhatCallersWrote(t *testing.T) {
	const secret = "nobody-vouches"
	for rule, row := range map[string]struct {
		fault *Fault
		want  string
	}{
		"a text with arguments":      {Newf(TokenRefused, "no key %q for %+v in %d sets", secret, secret, 7), "no key … for … in … sets"},
		"nothing but arguments":      {Newf(TokenRefused, "%s: %s", secret, secret), Describe(TokenRefused).Text},
		"a cause":                    {New(TokenMalformed, errors.New(secret)), Describe(TokenMalformed).Text},
		"a cause with a gist":        {New(WorkspaceOpen, fmt.Errorf("x: %w", Newf(NotFound, "no %s here", secret))), "no … here"},
		"a cause that wraps a fault": {Newf(TokenRefused, "key %q: %w", secret, errors.New(secret)), "key …: …"},
	} {
		if got := row.fault.Gist(); got != row.want {
			t.Errorf("%s: %q", rule, got)
		}
	}
}

func TestWhatIsWrongWithAPart(t *testing.T) {
	for _, c := range []struct {
		err   error
		field string
	}{
		{Invalid("issuer", "is empty"), "add[0].issuer"},
		{Invalid("[1]", "is empty"), "add[0][1]"},
		{Invalid("", "is named twice"), "add[0]"},
		{Newf(NotFound, "no such trust"), "add[0]"},
		{Newf(Internal, "no field's business"), ""},
	} {
		if f := From(Below("add[0]", c.err)); f.Field != c.field || f.Code != From(c.err).Code {
			t.Errorf("%v: %+v", c.err, f)
		}
	}
	if Below("x", nil) != nil {
		t.Error("nothing is wrong")
	}
}
