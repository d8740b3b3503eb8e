package jwt

import (
	"errors"
	"reflect"
	"testing"
)

// A value that is read knowing its shape is what it is as a map, and what has another shape is an error.
func TestAClaimIsReadInItsShape(t *testing.T) {
	for _, row := range []struct {
		rule, claim string
		want        any // nil is an error
	}{
		{"texts", `["a","b\u0063",""]`, []string{"a", "bc", ""}},
		{"no texts", `[]`, []string(nil)},
		{"null is an empty array", `null`, []string(nil)},
		{"a number is no text", `["a",1]`, nil},
		{"a text is no array", `"a"`, nil},
		{"an object is no array", `{"a":1}`, nil},
	} {
		t.Run(row.rule, func(t *testing.T) {
			got, err := claimOf(t, row.claim).Texts()
			if (err != nil) != (row.want == nil) || err == nil && !reflect.DeepEqual(any(got), row.want) {
				t.Errorf("%q, %v", got, err)
			}
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
		})
	}
}

func TestAClaimOfObjectsIsReadMemberByMember(t *testing.T) {
	type thing struct {
		name    string
		version int64
	}
	var got []thing
	err := claimOf(t, `[{"name":"a","other":{"name":"no"},"version":-7},{"version":9223372036854775807,"name":"b"},{}]`).Elements(func(v Value) error {
		var one thing
		err := v.Members(func(name string, v Value) (err error) {
			switch name {
			case "name":
				one.name, err = v.Text()
			case "version":
				one.version, err = v.Int()
			default:
				err = v.Skip()
			}
			return err
		})
		got = append(got, one)
		return err
	})
	if want := []thing{{"a", -7}, {"b", 1<<63 - 1}, {}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Error(got, err)
	}
	for _, no := range []string{"1.0", "1e3", "9223372036854775808", `"1"`, "null"} {
		if n, err := claimOf(t, no).Int(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s is the integer %d (%v)", no, n, err)
		}
	}
	if _, ok := (&Claims{}).Value("absent"); ok {
		t.Error("an absent claim has a value")
	}
}

func claimOf(t *testing.T, value string) Value {
	t.Helper()
	claims, err := ParseClaims([]byte(`{"c":` + value + `}`))
	if err != nil {
		t.Fatal(err)
	}
	v, ok := claims.Value("c")
	if !ok {
		t.Fatal("the claim is not there")
	}
	return v
}
