package jwt

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestRule14 is rule 14 as a table: what no reader may take for claims.
func TestRule14(t *testing.T) {
	for _, row := range []struct{ name, document, why string }{
		{"duplicate name", `{"iss":"a","iss":"b"}`, "twice"},
		{"duplicate name with equal values", `{"iss":"a","iss":"a"}`, "twice"},
		{"duplicate name, far apart", `{"x":1,"iss":"a","y":{"iss":"b"},"z":[],"x":2}`, "twice"},
		{"duplicate name by an escape", `{"iss":"a","\u0069ss":"b"}`, "twice"},
		{"duplicate name by another escape", `{"a/b":1,"a\/b":2}`, "twice"},
		{"duplicate name in an object inside", `{"a":{"b":1,"b":2}}`, "twice"},
		{"duplicate name in an array's object", `{"a":[1,{"b":{"c":1,"d":2,"c":3}}]}`, "twice"},
		{"duplicate name in a known claim's place", `{"a":{"iss":1,"iss":2}}`, "twice"},
		{"duplicate empty name", `{"":1,"":2}`, "twice"},
		{"duplicate name by a surrogate pair", `{"😀":1,"\ud83d\ude00":2}`, "twice"},

		{"invalid UTF-8 in a value", "{\"iss\":\"a\xffb\"}", "UTF-8"},
		{"invalid UTF-8 in a name", "{\"i\xc3\":1}", "UTF-8"},
		{"invalid UTF-8 beside an escape", "{\"iss\":\"\\n\xc3\\u0041\"}", "UTF-8"},
		{"overlong UTF-8", "{\"iss\":\"\xc0\xaf\"}", "UTF-8"},
		{"a surrogate as UTF-8", "{\"iss\":\"\xed\xa0\x80\"}", "UTF-8"},
		{"a byte order mark", "\xef\xbb\xbf{}", "needed"},
		{"high surrogate alone", `{"iss":"\ud800"}`, "no character"},
		{"high surrogate before text", `{"iss":"\ud800abcdef"}`, "no character"},
		{"high surrogate before another escape", `{"iss":"\ud800\n"}`, "no character"},
		{"high surrogate twice", `{"iss":"\ud800\ud800"}`, "no character"},
		{"low surrogate alone", `{"iss":"\udc00"}`, "no character"},
		{"surrogates in the wrong order", `{"iss":"\ude00\ud83d"}`, "no character"},
		{"NUL by escape", `{"sub":"a\u0000b"}`, "NUL"},
		{"NUL as it is", "{\"sub\":\"a\x00b\"}", "control"},
		{"newline in a string", "{\"sub\":\"a\nb\"}", "control"},
		{"newline behind an escape", "{\"sub\":\"\\ta\nb\"}", "control"},
		{"unknown escape", `{"sub":"\x41"}`, "escape"},
		{"escape of too few digits", `{"sub":"\u00"}`, "no character"},
		{"escape of no digits", `{"sub":"\u00g0"}`, "no character"},
		{"escape at the end", `{"sub":"\`, "escape"},
		{"string without an end", `{"sub":"a`, "end"},
		{"escaped string without an end", `{"sub":"\na`, "end"},

		{"date as a string", `{"exp":"1893456000"}`, "no value"},
		{"date null", `{"nbf":null}`, "no value"},
		{"date true", `{"iat":true}`, "no value"},
		{"date beyond int64", `{"exp":9223372036854775808}`, "date"},
		{"date beyond the year 9999", `{"exp":253402300800}`, "date"},
		{"date before the year 1", `{"iat":-62135596801}`, "date"},
		{"date by an exponent beyond int64", `{"exp":1e19}`, "date"},
		{"date by an exponent of three digits", `{"exp":0.1e300}`, "date"},
		{"auth_time as a list", `{"auth_time":[1]}`, "no value"},

		{"issuer a number", `{"iss":1}`, "string"},
		{"issuer null", `{"iss":null}`, "string"},
		{"subject an object", `{"sub":{}}`, "string"},
		{"ID a list", `{"jti":["a"]}`, "string"},
		{"audience a number", `{"aud":1}`, "needed"},
		{"audience null", `{"aud":null}`, "needed"},
		{"audience an object", `{"aud":{"a":1}}`, "needed"},
		{"audience a list of lists", `{"aud":["a",["b"]]}`, "string"},
		{"audience a list with null", `{"aud":["a",null]}`, "string"},

		{"objects too deep", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), "deeper"},
		{"arrays too deep", nested(17), "deeper"},
		{"too many names", manyNames(1, 257), "256"},

		{"something behind", `{} {}`, "follows"},
		{"a NUL behind", "{}\x00", "follows"},
		{"nothing", ``, "needed"},
		{"space alone", ` `, "needed"},
		{"an array", `[]`, "needed"},
		{"null", `null`, "needed"},
		{"not closed", `{"a":1`, "comma"},
		{"no comma", `{"a":1 "b":2}`, "comma"},
		{"comma at the end", `{"a":1,}`, "string"},
		{"comma at the end of a list", `{"a":[1,]}`, "no value"},
		{"comma at the beginning", `{,"a":1}`, "string"},
		{"name without quotes", `{a:1}`, "string"},
		{"name without a value", `{"a"}`, "colon"},
		{"name without a colon", `{"a" 1}`, "colon"},
		{"value absent", `{"a":}`, "no value"},
		{"a comment", `{/**/}`, "string"},
		{"other space", "{\u00a0}", "string"},
		{"wrong bracket", `{"a":[1}}`, "comma"},
		{"word cut", `{"a":tru}`, "no value"},
		{"word at the end", `{"a":nul`, "no value"},
		{"number with a plus", `{"a":+1}`, "no value"},
		{"number with a zero before", `{"a":01}`, "comma"},
		{"number of a minus alone", `{"a":-}`, "no value"},
		{"number beginning with a point", `{"a":.5}`, "no value"},
		{"number ending with a point", `{"a":5.}`, "decimal"},
		{"number with an empty exponent", `{"a":5e}`, "exponent"},
		{"number with a signed empty exponent", `{"a":5e+}`, "exponent"},
		{"number in hexadecimal", `{"a":0x1}`, "comma"},
		{"number NaN", `{"a":NaN}`, "no value"},
		{"number Infinity", `{"a":-Infinity}`, "no value"},
		{"number that no double holds", `{"a":1e309}`, "range"},
		{"number of too many digits", `{"a":` + strings.Repeat("9", 310) + `}`, "range"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := ParseClaims([]byte(row.document))
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), row.why) {
				t.Errorf("got %v, want one about %q", err, row.why)
			}
		})
	}
}

// TestRule14CaseSensitive: what Go's JSON would take for iss is only a member with another name.
func TestRule14CaseSensitive(t *testing.T) {
	c := must(ParseClaims([]byte(`{"ISS":"evil","iss":"good","Iss":"evil","SUB":"evil","AUD":["evil"],"Exp":1,"ıss":"evil","iſs":"evil"}`)))
	if c.Issuer != "good" || c.Subject != "" || c.Audience != nil || c.ExpiresAt != 0 {
		t.Errorf("got %+v", c)
	}
	if other, ok := c.Text("ISS"); !ok || other != "evil" {
		t.Errorf("ISS: got %q, %v", other, ok)
	}
	if _, ok := c.Raw("sub"); ok {
		t.Error("sub is there")
	}
}

func TestClaimsKnown(t *testing.T) {
	for _, row := range []struct {
		name, document string
		want           Claims
	}{
		{"none", `{}`, Claims{}},
		{"texts", `{"iss":"i","sub":"s","jti":"j"}`, Claims{Issuer: "i", Subject: "s", ID: "j"}},
		{"texts empty", `{"iss":"","sub":"","jti":""}`, Claims{}},
		{"texts with escapes", `{"sub":"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\uDE00é"}`, Claims{Subject: "\"\\/\b\f\n\r\té€😀é"}},
		{"name with an escape", `{"\u0069ss":"i"}`, Claims{Issuer: "i"}},
		{"audience of one", `{"aud":"a"}`, Claims{Audience: []string{"a"}}},
		{"audience of a list", `{"aud":["a", "b"]}`, Claims{Audience: []string{"a", "b"}}},
		{"audience of an empty list", `{"aud":[]}`, Claims{}},
		{"audience of an empty text", `{"aud":""}`, Claims{Audience: []string{""}}},
		{"dates", `{"exp":4,"nbf":3,"iat":2,"auth_time":1}`, Claims{ExpiresAt: 4, NotBefore: 3, IssuedAt: 2, AuthTime: 1}},
		{"dates with fractions", `{"exp":1893456000.999,"iat":1.893455100e9}`, Claims{ExpiresAt: 1893456000, IssuedAt: 1893455100}},
		{"first and last date", `{"iat":-62135596800,"exp":253402300799}`, Claims{IssuedAt: -62135596800, ExpiresAt: 253402300799}},
		{"known names inside others", `{"a":{"iss":"x","exp":"y"},"iss":"i"}`, Claims{Issuer: "i"}},
		{"space everywhere", " \t\r\n{ \"iss\" : \"i\" , \"aud\" : [ \"a\" , \"b\" ] } \n", Claims{Issuer: "i", Audience: []string{"a", "b"}}},
		{"as deep as allowed", nested(16), Claims{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := ParseClaims([]byte(row.document))
			if err != nil {
				t.Fatal(err)
			}
			c.document, c.members = "", nil
			if !reflect.DeepEqual(*c, row.want) {
				t.Errorf("got %+v, want %+v", *c, row.want)
			}
		})
	}
}

func TestClaimsTooLarge(t *testing.T) {
	document := fmt.Sprintf(`{"a":%q}`, strings.Repeat("x", MaxSize))
	if _, err := ParseClaims([]byte(document)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := ParseClaims([]byte("{}" + strings.Repeat(" ", MaxSize-2))); err != nil {
		t.Errorf("as large as allowed: %v", err)
	}
}

// TestClaimsKeepNothing: the payload belongs to the caller, who may use it again.
func TestClaimsKeepNothing(t *testing.T) {
	payload := []byte(`{"iss":"i","workspace":"w"}`)
	c := must(ParseClaims(payload))
	clear(payload)
	raw, _ := c.Raw("workspace")
	if c.Issuer != "i" || string(raw) != `"w"` {
		t.Errorf("got %q, %q", c.Issuer, raw)
	}
	clear(raw)
	if again, _ := c.Text("workspace"); again != "w" {
		t.Errorf("got %q after writing into what Raw returned", again)
	}
}

// TestNamesThatCollide: names with one fingerprint are still different names, and one of them twice is still refused.
// The pair is a collision of FNV-1a in 32 bits.
func TestNamesThatCollide(t *testing.T) {
	if fingerprint("costarring") != fingerprint("liquid") {
		t.Fatal("no collision")
	}
	if _, err := ParseClaims([]byte(`{"costarring":1,"liquid":2}`)); err != nil {
		t.Error(err)
	}
	if _, err := ParseClaims([]byte(`{"costarring":1,"liquid":2,"costarring":3}`)); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}
