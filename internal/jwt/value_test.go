package jwt

import (
	"errors"
	"reflect"
	"testing"
)

const members = `{"workspace_id":"abc","workspace":"acme\u002f1","root_iat":1893455100,"depth":2,` +
	`"authorization_details":[ {"type":"audience","identifier":"*","actions":["issue"]} ],` +
	`"trusts":[{"id":"t","version":3}],"client_id":"c","groups":["a","b"],"attributes":{"team":"x"},` +
	`"acr":null,"amr":["pwd"],"fraction":1.5,"power":1e3,"large":9223372036854775808,"last":9223372036854775807,` +
	`"least":-9223372036854775808,"minus_zero":-0,"iss":"i","exp":7,"yes":true,"empty":""}`

func TestClaimsRaw(t *testing.T) {
	c := must(ParseClaims([]byte(members)))
	for name, want := range map[string]string{
		"authorization_details": `[ {"type":"audience","identifier":"*","actions":["issue"]} ]`,
		"trusts":                `[{"id":"t","version":3}]`,
		"groups":                `["a","b"]`,
		"attributes":            `{"team":"x"}`,
		"workspace":             `"acme\u002f1"`,
		"acr":                   `null`,
		"iss":                   `"i"`,
		"exp":                   `7`,
		"empty":                 `""`,
	} {
		if got, ok := c.Raw(name); !ok || string(got) != want {
			t.Errorf("%s: got %s, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "absent", "team", "Groups"} {
		if got, ok := c.Raw(name); ok || got != nil {
			t.Errorf("%s: got %s, %v", name, got, ok)
		}
	}
}

func TestClaimsText(t *testing.T) {
	c := must(ParseClaims([]byte(members)))
	for name, want := range map[string]string{"workspace_id": "abc", "workspace": "acme/1", "client_id": "c", "iss": "i", "empty": ""} {
		if got, ok := c.Text(name); !ok || got != want {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"depth", "groups", "acr", "yes", "absent"} {
		if got, ok := c.Text(name); ok || got != "" {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
}

// TestClaimsInt: an integer that limits what a token may do is not rounded into one.
func TestClaimsInt(t *testing.T) {
	c := must(ParseClaims([]byte(members)))
	for name, want := range map[string]int64{
		"root_iat": 1893455100, "depth": 2, "exp": 7, "minus_zero": 0, "last": 1<<63 - 1, "least": -1 << 63,
	} {
		if got, ok := c.Int(name); !ok || got != want {
			t.Errorf("%s: got %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"fraction", "power", "large", "workspace_id", "acr", "trusts", "absent"} {
		if got, ok := c.Int(name); ok || got != 0 {
			t.Errorf("%s: got %d, %v", name, got, ok)
		}
	}
}

func TestClaimsMap(t *testing.T) {
	c := must(ParseClaims([]byte(members)))
	want := map[string]any{
		"workspace_id": "abc", "workspace": "acme/1", "root_iat": int64(1893455100), "depth": int64(2),
		"authorization_details": []any{map[string]any{"type": "audience", "identifier": "*", "actions": []any{"issue"}}},
		"trusts":                []any{map[string]any{"id": "t", "version": int64(3)}},
		"client_id":             "c", "groups": []any{"a", "b"}, "attributes": map[string]any{"team": "x"},
		"acr": nil, "amr": []any{"pwd"}, "fraction": 1.5, "power": 1000.0, "large": 9223372036854775808.0,
		"last": int64(1<<63 - 1), "least": int64(-1 << 63), "minus_zero": int64(0), "iss": "i", "exp": int64(7),
		"yes": true, "empty": "",
	}
	got, err := c.Map()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, %v", got, err)
	}
	got["groups"].([]any)[0] = "changed"
	if again, _ := c.Map(); again["groups"].([]any)[0] != "a" {
		t.Error("two maps share a value")
	}
	if _, err := new(Claims).Map(); !errors.Is(err, ErrMalformed) {
		t.Errorf("claims of nothing: got %v", err)
	}
}
