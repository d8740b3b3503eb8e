package server

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nsc-federation/nsc/internal/span"
)

func loadText(t *testing.T, text string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nsc.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return LoadConfig(path, func(string) string { return "" })
}

// What is wrong is one line that names the file, the line, the key and what is expected, without Go's names and without a
// piece of the file, which may hold a password.
func TestConfigurationFileIsRefusedInOneLine(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		want []string
	}{
		"a list for a text":      {"# x\nlisten: [1]", []string{"line 2", "listen must be a text"}},
		"a text for a list":      {"trusted_proxies: ten", []string{"line 1", "trusted_proxies must be a list"}},
		"a text for an object":   {"reachable_issuers: [ten]", []string{"line 1", "reachable_issuers[0] must be keys with their values, like workspace: …"}},
		"a list of lists":        {"trusted_proxies: [[ten]]", []string{"trusted_proxies[0] must be a text"}},
		"no switch":              {"tls_self_signed: perhaps", []string{"line 1", `tls_self_signed: "perhaps" is not true or false`}},
		"no number":              {"trace_ratio: many", []string{"line 1", `trace_ratio: "many" is not a number`}},
		"a number without end":   {"trace_ratio: 'NaN'", []string{`trace_ratio: "NaN" is not a number`}},
		"no duration":            {"key_rotate_every: monthly", []string{"line 1", `key_rotate_every: "monthly" is not a duration like 90s, 24h, 30d or 2w`}},
		"a duration of no unit":  {"key_rotate_every: 720", []string{`key_rotate_every: "720" is not a duration`}},
		"a duration below zero":  {"key_rotate_every: -1h", []string{`key_rotate_every: "-1h" is not a duration`}},
		"no port":                {"reachable_issuers:\n- {workspace: a, cidr: 10.0.0.0/8, port: 70000}", []string{"line 2", `reachable_issuers[0].port: "70000" is not a port`}},
		"a key twice":            {"listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", []string{"line 2", `"listen" already defined`}},
		"an unknown key":         {"\nlisne: x", []string{"line 2", "unknown key lisne; did you mean listen?"}},
		"a key like no other":    {"colour: x", []string{"unknown key colour; known are listen, base_url, "}},
		"syntax":                 {"listen: \"127.0.0.1:1\ndatabase: postgres://nsc:secret@db/nsc", []string{"is not YAML: "}},
		"no keys":                {"just a text", []string{"line 1", "the file must be keys with their values, like listen: …"}},
		"a second document":      {"listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2", []string{"line 3", "a second document begins"}},
		"an anchor":              {"listen: &x 127.0.0.1:1", []string{"line 1", "an anchor (&) is not taken"}},
		"an alias":               {"listen: *:8740", []string{"line 1", "an alias (*) is not taken; put text that begins so in quotes"}},
		"a program":              {"\x7fELF\x02\x01\x01\x00\x00", []string{"is not a text file"}},
		"what moves the cursor":  {"listen: \x1b[2J", []string{"is not a text file"}},
		"a key that hides":       {"\"\\e[2J\": x", []string{`unknown key \x1b[2J`}},
		"bytes that are no text": {"listen: \xff\xfe", []string{"is not a text file"}},
	} {
		_, err := loadText(t, row.text)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		says(t, err.Error(), append(row.want, "configuration ", "nsc.yaml")...)
		if strings.ContainsAny(err.Error(), "\n\x1b\x00") || !utf8.ValidString(err.Error()) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %q", name, err)
		}
	}
}

func TestConfigurationFileThatSaysLittle(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a comment": "# nothing\n", "a dash line": "---\n", "two": "---\nacme: false\n---\n", "keys without values": "listen:\nkey_rotate_every: ~\ntrusted_proxies:\n",
	} {
		c, err := loadText(t, text)
		if err != nil || !reflect.DeepEqual(c, Default()) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// Durations have d and w beside Go's units, in the file as in the environment.
func TestConfigurationDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 30 * span.Day, "2w": 2 * span.Week, "1d12h": 36 * time.Hour, "720h": 720 * time.Hour, "0": 0} {
		c, err := loadText(t, "record_retention: "+text)
		if err != nil || c.RecordRetention != want {
			t.Errorf("%s in the file: %v, %v", text, c.RecordRetention, err)
		}
		c, err = LoadConfig("", func(name string) string { return map[string]string{"NSC_RECORD_RETENTION": text}[name] })
		if err != nil || c.RecordRetention != want {
			t.Errorf("%s in the environment: %v, %v", text, c.RecordRetention, err)
		}
	}
}

// Every key of the configuration is read from the file, and all but the lists from the environment.
func TestConfigurationReadsEveryKey(t *testing.T) {
	of := reflect.TypeFor[Config]()
	for i := range of.NumField() {
		key := of.Field(i).Tag.Get("yaml")
		if key == "-" {
			continue
		}
		text, bad := "7", ""
		switch of.Field(i).Type {
		case reflect.TypeFor[bool]():
			text, bad = "true", "7.5"
		case reflect.TypeFor[time.Duration]():
			text, bad = "7h", "7"
		case reflect.TypeFor[float64]():
			bad = "x"
		case reflect.TypeFor[string]():
		default:
			text = "[]"
		}
		c, err := loadText(t, key+": "+text)
		if err != nil || reflect.ValueOf(c).Field(i).IsZero() {
			t.Errorf("%s is not read: %v", key, err)
		}
		env := func(value string) func(string) string {
			return func(name string) string { return map[string]string{"NSC_" + strings.ToUpper(key): value}[name] }
		}
		c, err = LoadConfig("", env(text))
		switch {
		case text == "[]" && err == nil:
			t.Errorf("%s: a list by the environment", key)
		case text != "[]" && (err != nil || reflect.ValueOf(c).Field(i).IsZero()):
			t.Errorf("%s is not read from the environment: %v", key, err)
		}
		if bad == "" {
			continue
		}
		if _, err := LoadConfig("", env(bad)); err == nil || !strings.Contains(err.Error(), "NSC_"+strings.ToUpper(key)+": ") {
			t.Errorf("%s=%s: %v", key, bad, err)
		}
	}
}
