package audit

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nsc-federation/nsc/internal/identity"
)

var update = flag.Bool("update", false, "write the golden files anew; hashes on the record are made of them, so do not")

var eventTime = time.Date(2026, 3, 1, 12, 30, 0, 123456000, time.UTC)

// vectors are events by the name of the file that has their encoding.
var vectors = map[string]Event{
	"least": {ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Time: eventTime, WorkspaceID: "bbbbbbbbbbbbbbbbbbbbbbbbba", Kind: KeysResealed},
	"issued": {
		ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Time: eventTime, WorkspaceID: "bbbbbbbbbbbbbbbbbbbbbbbbba", Kind: TokenIssued,
		Subject: "workspace/bbbbbbbbbbbbbbbbbbbbbbbbba/external/cccccccccccccccccccccccccc/repo%3Aacme%2Fapi", Address: "2001:db8::1",
		Token: &Token{
			ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Type: "access_token", Audience: "https://nsc.example/w/acme",
			Subject: "workspace/bbbbbbbbbbbbbbbbbbbbbbbbba/user/dddddddddddddddddddddddddd", Algorithm: "ES256",
			ExpiresAt: eventTime.Add(15 * time.Minute), PayloadHash: strings.Repeat("0f", 32),
		},
		Upstream: &Upstream{
			Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:acme/api:ref:refs/heads/main", TokenID: "j-1",
			Digest: strings.Repeat("a0", 32), Key: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", KeySource: "https://example/jwks",
		},
		Trusts: []identity.TrustRef{{ID: "eeeeeeeeeeeeeeeeeeeeeeeeea", Version: 3}, {ID: "ffffffffffffffffffffffffff", Version: 1 << 40}},
	},
	"signed": {
		ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Time: eventTime, WorkspaceID: "bbbbbbbbbbbbbbbbbbbbbbbbba", Kind: TokenIssued,
		Token: &Token{
			ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Type: "id_token", Audience: "https://api.example", Subject: "s", Algorithm: "RS256",
			KeyID: "gggggggggggggggggggggggggg", ExpiresAt: eventTime.Add(5 * time.Minute), PayloadHash: strings.Repeat("0f", 32),
		},
	},
	"written": {
		ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Time: eventTime, WorkspaceID: "bbbbbbbbbbbbbbbbbbbbbbbbba", Kind: TrustUpdated,
		Subject: "workspace/bbbbbbbbbbbbbbbbbbbbbbbbba/user/dddddddddddddddddddddddddd", Object: "eeeeeeeeeeeeeeeeeeeeeeeeea",
		Details: map[string]string{"before": `{"a":"<b>&\u2028"}`, "after": "", "Z": "sorted by byte", "é": "last"},
	},
	"strange": {
		ID: "x", Time: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), WorkspaceID: "y", Kind: "z",
		Reason:   "\x00\x01\b\t\n\f\r\x1f \"\\/\x7f\u0080\u2028\u2029\ufffd\U0001f511",
		Token:    &Token{},
		Upstream: &Upstream{},
		Trusts:   []identity.TrustRef{{}, {Version: -1}},
	},
	"not utf-8": {ID: "x", Time: eventTime, WorkspaceID: "y", Kind: "z", Reason: "a\xff\xfeb\xed\xa0\x80c\xc3", Address: "\xc0\x80"},
}

func TestRule25CanonicalEncoding(t *testing.T) {
	for name, e := range vectors {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", "canonical", strings.ReplaceAll(name, " ", "_")+".json")
			got := e.AppendCanonical(nil)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the encoding changed, and with it all hashes:\n%s\n%s", got, want)
			}
			roundTrip(t, e)
		})
	}
}

// roundTrip demands that an encoding decodes to the event, but for what is not UTF-8, and to the same bytes again.
func roundTrip(t *testing.T, e Event) {
	t.Helper()
	body := e.AppendCanonical(nil)
	if !json.Valid(body) || !utf8.Valid(body) {
		t.Fatalf("not JSON: %q", body)
	}
	decoded, err := Decode(body)
	if err != nil {
		t.Fatalf("%v: %q", err, body)
	}
	if again := decoded.AppendCanonical(nil); !bytes.Equal(body, again) {
		t.Fatalf("%q\n%q", body, again)
	}
	if utf8.Valid(e.AppendCanonical(nil)) && validText(e) && !reflect.DeepEqual(decoded, spelled(e)) {
		t.Fatalf("%+v\n%+v", decoded, spelled(e))
	}
}

// validText reports whether nothing in the event had to be replaced.
func validText(e Event) bool {
	texts := []string{e.ID, e.WorkspaceID, string(e.Kind), e.Subject, e.Address, e.Object, e.Reason}
	if e.Token != nil {
		texts = append(texts, e.Token.ID, e.Token.Audience)
	}
	if e.Upstream != nil {
		texts = append(texts, e.Upstream.Issuer, e.Upstream.Subject)
	}
	for _, ref := range e.Trusts {
		texts = append(texts, ref.ID)
	}
	for name, value := range e.Details {
		texts = append(texts, name, value)
	}
	return utf8.ValidString(strings.Join(texts, "\n"))
}

// spelled is the event as Decode spells it: empty is absent.
func spelled(e Event) Event {
	if len(e.Trusts) == 0 {
		e.Trusts = nil
	}
	if len(e.Details) == 0 {
		e.Details = nil
	}
	return e
}

func TestRule25TheEpochIsNoTime(t *testing.T) {
	e := vectors["least"]
	e.Time = time.Unix(0, 0)
	decoded, err := Decode(e.AppendCanonical(nil))
	if err != nil || !decoded.Time.IsZero() {
		t.Errorf("%v %v", decoded.Time, err)
	}
}

func TestRule25OnlyTheCanonicalEncodingIsRead(t *testing.T) {
	body := string(vectors["issued"].AppendCanonical(nil))
	for rule, other := range map[string]string{
		"nothing":                       "",
		"no object":                     "null",
		"white space":                   strings.Replace(body, ",", ", ", 1),
		"something behind it":           body + "\n",
		"a second one behind it":        body + body,
		"another version":               strings.Replace(body, `{"v":1`, `{"v":2`, 1),
		"no version":                    strings.Replace(body, `{"v":1,`, `{`, 1),
		"an unknown member":             strings.Replace(body, `{"v":1`, `{"v":1,"x":""`, 1),
		"an empty member":               strings.Replace(body, `,"token":`, `,"object":"","token":`, 1),
		"a member twice":                strings.Replace(body, `,"kind":`, `,"kind":"x","kind":`, 1),
		"other order":                   strings.Replace(strings.Replace(body, `"v":1,`, ``, 1), `,"time"`, `,"v":1,"time"`, 1),
		"another case":                  strings.Replace(body, `"kind"`, `"Kind"`, 1),
		"an escape that is not needed":  strings.Replace(body, "access_token", `\u0061ccess_token`, 1),
		"a slash escaped":               strings.Replace(body, "https://nsc", `https:\/\/nsc`, 1),
		"a fraction":                    strings.Replace(body, `"version":3`, `"version":3.0`, 1),
		"an exponent":                   strings.Replace(body, `"version":3`, `"version":3e0`, 1),
		"a leading zero":                strings.Replace(body, `"version":3`, `"version":03`, 1),
		"a lone surrogate":              strings.Replace(body, "access_token", `\ud800`, 1),
		"bytes that are no UTF-8":       strings.Replace(body, "access_token", "\xff", 1),
		"details in another order":      `{"v":1,"details":{"b":"","a":""}}`,
		"a detail twice":                `{"v":1,"details":{"a":"","a":""}}`,
		"upper case in an escape":       `{"v":1,"id":"x\u001F"}`,
		"an escape of another spelling": `{"v":1,"id":"x\n"}`,
		"null":                          `{"v":1,"token":null}`,
		"empty details":                 `{"v":1,"details":{}}`,
		"no time":                       `{"v":1,"time":0}`,
	} {
		t.Run(rule, func(t *testing.T) {
			if e, err := Decode([]byte(other)); err == nil {
				t.Errorf("read as %+v: %s", e, other)
			}
		})
	}
}

func TestEveryKindIsKnown(t *testing.T) {
	for _, kind := range kinds {
		if !kind.Known() || !strings.Contains(KindList(), string(kind)) {
			t.Errorf("%q", kind)
		}
	}
	if Kind("token.stolen").Known() {
		t.Error("an unknown kind is known")
	}
}

// FuzzCanonical holds that each event has one encoding, which decodes to it, and that nothing else decodes.
func FuzzCanonical(f *testing.F) {
	for _, e := range vectors {
		f.Add(e.AppendCanonical(nil), e.ID, e.Reason, e.Time.UnixMicro(), int64(1), "name", "value")
	}
	f.Add([]byte(`{"v":1,"details":{"a":"b","a":"b"}}`), "", "\xff", int64(0), int64(-1), "a\x00", "\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, body []byte, id, text string, micros, version int64, name, value string) {
		if e, err := Decode(body); err == nil {
			if again := e.AppendCanonical(nil); !bytes.Equal(body, again) {
				t.Errorf("read, but not canonical:\n%q\n%q", body, again)
			}
		}
		e := Event{
			ID: id, Time: fromMicros(micros), WorkspaceID: text, Kind: Kind(value), Subject: name, Reason: text,
			Token: &Token{ID: text, ExpiresAt: fromMicros(micros), Audience: value}, Upstream: &Upstream{Issuer: text, Subject: value},
			Trusts:  []identity.TrustRef{{ID: id, Version: version}},
			Details: map[string]string{strings.ToValidUTF8(name, "?"): value}, // names are ours
		}
		roundTrip(t, e)
	})
}
