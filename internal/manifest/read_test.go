package manifest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const head = "version: 1\nmanifest: federation\nworkspaces:\n"

const whole = head + `- name: prod
  trusts:
  - name: deploy-api
    preset: github-actions
    with: {repository: acme/api, repository-id: 456789, owner-id: 123456, branch: main}
    condition: claims.actor == "me"
    grants:
    - {resource_type: audience, resource_id: sts.amazonaws.com, actions: [issue]}
    max_token_duration: 1d12h
  - name: cluster
    issuer: https://cluster.example.com
    subject_match: "system:serviceaccount:apps:*"
    mappings:
      groups: '[claims["kubernetes.io"].namespace]'
    single_use: true
    accept_delegation: true
    disabled: true
    description: |
      the pods
      of apps
    key_source:
      kind: jwks
      jwks: '{"keys":[]}'
      not_after: 2027-01-01T00:00:00Z
- name: test
  trusts: []
`

func TestReadReadsWhatIsWritten(t *testing.T) {
	f, err := Read([]byte(whole), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := File{Version: 1, Manifest: "federation", Workspaces: []Workspace{
		{Name: "prod", Trusts: []Trust{
			{
				Name: "deploy-api", Preset: "github-actions",
				With:      map[string]string{"repository": "acme/api", "repository-id": "456789", "owner-id": "123456", "branch": "main"},
				Condition: `claims.actor == "me"`, Grants: []Grant{{"audience", "sts.amazonaws.com", []string{"issue"}}}, MaxDuration: "1d12h",
			},
			{
				Name: "cluster", Issuer: "https://cluster.example.com", SubjectMatch: "system:serviceaccount:apps:*",
				Mappings:  map[string]string{"groups": `[claims["kubernetes.io"].namespace]`},
				SingleUse: true, AcceptDelegation: true, Disabled: true, Description: "the pods\nof apps\n",
				KeySource: &KeySource{Kind: "jwks", JWKS: `{"keys":[]}`, NotAfter: "2027-01-01T00:00:00Z"},
			},
		}},
		{Name: "test", Trusts: []Trust{}},
	}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("%+v", f)
	}
}

// What could be read two ways, or is not in the format, is refused with its line.
func TestReadIsStrict(t *testing.T) {
	trust := func(lines string) string { return head + "- name: prod\n  trusts:\n  - name: a\n" + lines }
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                  {"", "is empty"},
		"a comment alone":          {"# x\n", "is empty"},
		"a list":                   {"- a\n", "1: the file must have members"},
		"no version":               {"manifest: a\nworkspaces: []\n", "the file has no version"},
		"a later version":          {strings.Replace(whole, "version: 1", "version: 2", 1), "version is 2"},
		"a version in quotes":      {strings.Replace(whole, "version: 1", `version: "1"`, 1), "1: version must be a number"},
		"no manifest":              {"version: 1\nworkspaces: []\n", "the file has no manifest"},
		"a manifest with a slash":  {"version: 1\nmanifest: a/b\nworkspaces: []\n", `manifest is "a/b"`},
		"an unknown member":        {head + "- name: prod\nx: 1\n", "5: x is not known; there are version"},
		"a misspelt member":        {trust("    condtion: x\n"), "7: workspaces[0].trusts[0].condtion is not known; did you mean condition?"},
		"another case":             {trust("    Issuer: x\n"), "workspaces[0].trusts[0].Issuer is not known; did you mean issuer?"},
		"a member twice":           {trust("    issuer: x\n    issuer: y\n"), "8: "},
		"a parameter twice":        {trust("    with: {a: x, a: y}\n"), "7: "},
		"an anchor":                {trust("    issuer: &x y\n"), "7: an anchor (&) is not taken"},
		"an alias":                 {trust("    issuer: *x\n"), "7: an alias (*) is not taken"},
		"a merge":                  {trust("    <<: {issuer: x}\n"), "7: a merge (<<) is not taken"},
		"a tag":                    {trust("    issuer: !!str 5\n"), "7: a tag (!) is not taken"},
		"a directive":              {"%YAML 1.2\n---\n" + whole, "1: a directive (%) is not taken"},
		"two documents":            {whole + "---\n" + whole, "a second document begins"},
		"an octal number":          {trust("    with: {a: 012}\n"), "7: workspaces[0].trusts[0].with.a must be a text; put it in quotes"},
		"a hexadecimal number":     {trust("    with: {a: 0x10}\n"), "put it in quotes"},
		"a number with _":          {trust("    with: {a: 1_000}\n"), "put it in quotes"},
		"a fraction":               {trust("    with: {a: 0.10}\n"), "put it in quotes"},
		"a negative number":        {trust("    with: {a: -1}\n"), "put it in quotes"},
		"true for a text":          {trust("    description: true\n"), "put it in quotes"},
		"a text for true":          {trust("    single_use: yes\n"), "7: workspaces[0].trusts[0].single_use must be true or false"},
		"no value":                 {trust("    issuer:\n"), "issuer has no value"},
		"null":                     {trust("    issuer: ~\n"), "issuer has no value"},
		"a list for a text":        {trust("    issuer: [x]\n"), "must be a text"},
		"a text for a list":        {trust("    grants: x\n"), "grants must be a list"},
		"a text for members":       {trust("    with: x\n"), "with must have members"},
		"a grant without actions":  {trust("    grants:\n    - {resource_type: a, resource_id: b}\n"), "grants[0] has no actions"},
		"a trust without a name":   {head + "- name: prod\n  trusts:\n  - issuer: x\n", "trusts[0] has no name"},
		"a name with a slash":      {head + "- name: prod\n  trusts:\n  - name: a/b\n", `6: the name of a trust is "a/b"`},
		"a name twice":             {trust("  - name: a\n"), `7: trust "a" comes twice in workspace prod`},
		"a workspace twice":        {head + "- {name: a, trusts: []}\n- {name: a, trusts: []}\n", `5: workspace "a" comes twice`},
		"a workspace without more": {head + "- {name: a}\n", ""},
		"too deep":                 {"a: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "nested too deeply"},
		"too many dashes":          {strings.Repeat("- ", 50) + "x", "nested too deeply"},
		"too large":                {whole + "#" + strings.Repeat("x", maxSize), "is larger than 1024 KiB"},
		"not UTF-8":                {"\xff", "is not UTF-8"},
		"not YAML":                 {"a: b: c", "is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read([]byte(c.text), "")
			var e *Error
			if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v; want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("several lines: %v", err)
			}
		})
	}
}

func TestLoadJoinsAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(want string) {
		t.Helper()
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	fails("has no file that ends in .yaml")
	write("a.yaml", whole)
	write("b.yml", head+"- {name: prod, trusts: [{name: more, issuer: x}]}\n- {name: third, trusts: []}\n")
	write("notes.txt", "x")
	f, err := Load(dir)
	if err != nil || len(f.Workspaces) != 3 || len(f.Workspaces[0].Trusts) != 3 || f.Workspaces[0].Trusts[2].Name != "more" {
		t.Errorf("%+v, %v", f, err)
	}
	write("c.yaml", head+"- {name: prod, trusts: [{name: cluster, issuer: x}]}\n")
	fails("c.yaml: trust cluster of workspace prod is in another file of the folder, too")
	write("c.yaml", "version: 1\nmanifest: other\nworkspaces: []\n")
	fails("c.yaml: is of the manifest other")
	if _, err := Load(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml: cannot be read: no such file") {
		t.Error(err)
	}
}

// What Text writes, Read reads back to the same, whatever the texts are.
func FuzzText(f *testing.F) {
	for _, text := range []string{
		"", "true", "null", "~", "*", "&x", "!t", "# x", "a: b", "a:", " lead", "trail ", "é\t", "a\r\nb", "\n", " \n x", "012", "1e3", "-1",
		"- x", "{a}", "[a]", "\"q\"", "'", "\x00", "\x07", "<<", "...", "---", "%y", "@a", "`", "yes", "a\u2028b", "=", ".5", "2026-01-01", "a  b",
		"repo:acme/api:*", "a #b", "\u0085", "\ufeff", "\U0001F600", "?", "? a", "|", ">", "a,b", "y", "NaN", "x:y", "x:", "claims.a == \"b\"",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		text, key = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(key, "?")
		want := File{Version: 1, Manifest: "m", Workspaces: []Workspace{{Name: text, Trusts: []Trust{{
			Name: "a", Issuer: text, Condition: text, Mappings: map[string]string{key: text, "groups": text}, With: map[string]string{"k": text},
			Grants: []Grant{{text, text, []string{text, "x"}}, {"a", "b", []string{}}}, KeySource: &KeySource{Kind: "jwks", CA: text}, SingleUse: true,
		}, {Name: "b", Disabled: true}}}}}
		got, err := Read(want.Text(), "")
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n%s\n%+v", err, want.Text(), got)
		}
	})
}

// FuzzRead: no text breaks the reader; what it reads, it writes and reads again to the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	for _, text := range []string{"", "a: &x [*x]", "? a\n: b", "- - - a", "a: |\n  b\n c", "version: 1\nmanifest: a\nworkspaces: []", "{a: {b: [c, {d: e}]}}", "---\n...\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := Read(text, "")
		if err != nil {
			return
		}
		again, err := Read(first.Text(), "")
		if err != nil || !bytes.Equal(first.Text(), again.Text()) {
			t.Errorf("%v\n%s\n%s", err, first.Text(), again.Text())
		}
	})
}

func TestSchemaIsFresh(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "federation.schema.json"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/reference/federation.schema.json is stale (%v): go generate ./internal/manifest", err)
	}
}
