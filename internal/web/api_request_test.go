package web

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/fault"
)

func TestBodiesAreReadOneWay(t *testing.T) {
	for _, c := range []struct {
		name, body  string
		code        fault.Code // "" is accepted
		field, says string
	}{
		{"object", `{"a":[1,{"b":"c"}],"d":null,"e":true,"f":1.5e3}`, "", "", ""},
		{"white space around", " \n{}\t ", "", "", ""},
		{"the same name in two objects", `{"a":{"x":1},"b":{"x":1}}`, "", "", ""},
		{"names that differ in case", `{"a":1,"A":1}`, "", "", ""},
		{"nothing", ``, fault.InvalidRequest, "", "missing"},
		{"white space", ` `, fault.InvalidRequest, "", "missing"},
		{"a word", `yes`, fault.InvalidRequest, "", "not JSON"},
		{"no end", `{"a":[1`, fault.InvalidRequest, "", "too early"},
		{"comma at the end", `{"a":1,}`, fault.InvalidRequest, "", "not JSON"},
		{"comment", `{/* */}`, fault.InvalidRequest, "", "not JSON"},
		{"more after it", `{}{}`, fault.InvalidRequest, "", "goes on"},
		{"bytes that are no text", "\"\xff\"", fault.InvalidRequest, "", "UTF-8"},
		{"twice", `{"a":1,"a":2}`, fault.InvalidField, "a", "more than once"},
		{"twice by escape", `{"a":1,"\u0061":2}`, fault.InvalidField, "a", "more than once"},
		{"twice, deep", `{"a":[0,{"b":1,"b":1}]}`, fault.InvalidField, "a[1].b", "more than once"},
		{"NUL", `["\u0000"]`, fault.InvalidField, "[0]", "NUL"},
		{"NUL in a name", `{"a":{"\u0000":1}}`, fault.InvalidField, "a", "NUL"},
		{"number beyond a float", `{"a":-1e999}`, fault.InvalidField, "a", "too large"},
		{"deep", strings.Repeat("[", maxNesting+1) + strings.Repeat("]", maxNesting+1), fault.InvalidField, strings.Repeat("[0]", maxNesting), "deeply"},
		{"as deep as may be", strings.Repeat("[", maxNesting) + strings.Repeat("]", maxNesting), "", "", ""},
		{"long name", `{"` + strings.Repeat("é", 500) + `":"\u0000"}`, fault.InvalidField, strings.Repeat("é", 100) + "…", "NUL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkJSON([]byte(c.body))
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := fault.From(err); err == nil || f.Code != c.code || f.Field != c.field || !strings.Contains(f.Detail, c.says) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// What is accepted is JSON, and Go's reader loses nothing of it: written again and read again it is the same size.
func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"a":2}`, `[[[]]]`, `{"a":"\u0000"}`, `"\ud800"`, `1e400`, "\"\xff\"", `{"a":{"b":[1,2,{"c":null}]}}`, `{} {}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkJSON(body) != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q is accepted and no JSON", body)
		}
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		var flat bytes.Buffer
		if err := json.Compact(&flat, body); err != nil {
			t.Fatal(err)
		}
		if want, got := members(flat.Bytes()), count(value); want != got {
			t.Fatalf("%q has %d members, Go reads %d", body, want, got)
		}
	})
}

// members counts the members of all objects of a JSON text, those with the same name too.
func members(text []byte) (n int) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			n++
		}
	}
	return n
}

func count(value any) (n int) {
	switch value := value.(type) {
	case map[string]any:
		n = len(value)
		for _, member := range value {
			n += count(member)
		}
	case []any:
		for _, item := range value {
			n += count(item)
		}
	}
	return n
}

func TestElementsAreCountedOutsideOfText(t *testing.T) {
	for body, want := range map[string]int{
		``: 0, `{}`: 1, `[1,2]`: 2, `{"a":"[,{","b":"\",["}`: 2, `[{},{}]`: 4, `"\\",`: 1,
	} {
		if got := elements([]byte(body)); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}
