package cli

import (
	"reflect"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/server"
)

// What config check shows cannot go stale: each key of the configuration file is in it, with its value.
func TestConfigCheckShowsEveryKey(t *testing.T) {
	var c server.Config
	v := reflect.ValueOf(&c).Elem()
	want := map[string]string{}
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("yaml")
		if key == "-" {
			continue
		}
		switch field := v.Field(i).Addr().Interface().(type) {
		case *string:
			*field, want[key] = "value of "+key, "value of "+key
		case *bool:
			*field, want[key] = true, "true"
		case *float64:
			*field, want[key] = 7.5, "7.5"
		case *time.Duration:
			*field, want[key] = 36*time.Hour, "1d12h"
		case *[]string:
			*field, want[key] = []string{"a", "b"}, "a\nb"
		case *[]server.Reach:
			*field, want[key] = []server.Reach{{Workspace: "w", CIDR: "10.0.0.0/8", Port: 1}}, "10.0.0.0/8 port 1 for w"
		case *[]server.Publication:
			vkey := "witness.example.com/w1+717fc277+BEuKuguhgm/GktuOVOLy762zr47ZTgQcofdLC62YWEJl"
			*field = []server.Publication{{File: "/x", Workspaces: []string{"a", "b"}}, {Webhook: "https://example.com/secret"}, {Witness: "https://example.com/secret", WitnessKey: vkey}}
			want[key] = "file /x for a, b\nwebhook https://example.com (9104fbd3)\nwitness witness.example.com/w1+717fc277"
		default:
			t.Errorf("%s: a type that this test does not know", key)
		}
	}
	want["database"] = "PostgreSQL, by database_file"
	got := map[string]string{}
	for _, s := range settingsOf(c) {
		got[s.key] = s.text()
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("shown\n%v\nconfigured\n%v", got, want)
	}
}

func TestConfigCheckSaysWhatNothingMeans(t *testing.T) {
	for _, s := range settingsOf(server.Config{}) {
		want, ok := unset[s.key]
		if ok && s.text() != want {
			t.Errorf("%s: %q", s.key, s.text())
		}
		if list, ok := s.value.([]string); ok && list == nil {
			t.Errorf("%s: null in JSON", s.key)
		}
	}
}
