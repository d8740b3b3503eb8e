package script

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/server"
)

// Each guide is followed in a folder of its own, beside a server as `make run` starts it, unless it starts its own.
// Blocks with a name of their own, ```sh NAME, are another test's.
func TestGuides(t *testing.T) {
	require(t, "bash", "curl")
	pages, err := filepath.Glob(filepath.Join(repository, "docs", "guide", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, path := range pages {
		name := "docs/guide/" + filepath.Base(path)
		if len(readPage(t, name).of("sh")) == 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) {
			t.Parallel()
			p, free := onFreePorts(t, readPage(t, name))
			r := newReader(t)
			if p.mentions(". .dev/dev.env") {
				address := free["127.0.0.1:8740"]
				if address == "" {
					address = "127.0.0.1:0"
				}
				r.runs(t, "dev", "--data-dir", ".dev", "--listen", address)
			}
			r.lay(t, name, "http://"+free["127.0.0.1:8740"])
			r.follow(t, p)
		})
	}
}

func (p page) mentions(words string) bool {
	for _, b := range p.of("sh") {
		if strings.Contains(b.text, words) {
			return true
		}
	}
	return false
}

// The record's guide says of every kind of event when it is written.
func TestGuideNamesEveryKindOfEvent(t *testing.T) {
	text := readWords(t, "docs/guide/audit.md")
	for _, kind := range strings.Split(audit.KindList(), ", ") {
		if !strings.Contains(text, "`"+kind+"`") {
			t.Errorf("docs/guide/audit.md does not say when %s is written", kind)
		}
	}
}

// The operator's guide has every configuration key, and the variable that goes over it.
func TestGuideNamesEveryConfigurationKey(t *testing.T) {
	text := readWords(t, "docs/guide/operations.md")
	for _, of := range []reflect.Type{reflect.TypeFor[server.Config](), reflect.TypeFor[server.Reach](), reflect.TypeFor[server.Publication]()} {
		for i := range of.NumField() {
			if name := of.Field(i).Tag.Get("yaml"); name != "-" && !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/guide/operations.md does not say what %s is", name)
			}
		}
	}
}

// lay puts in place what a page's reader has from elsewhere.
func (r reader) lay(t *testing.T, name string, base string) {
	t.Helper()
	if name == "docs/guide/kubernetes.md" {
		r.layServiceAccount(t, base)
	}
}

// layServiceAccount does what kubectl does on the page: it writes a cluster's keys, and a token of a service account.
func (r reader) layServiceAccount(t *testing.T, base string) {
	t.Helper()
	cluster, err := startIssuer()
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.server.Close() // nobody asks it: its keys are uploaded
	keySet, err := publish(cluster.key)
	if err != nil {
		t.Fatal(err)
	}
	document, err := json.Marshal(keySet)
	if err != nil {
		t.Fatal(err)
	}
	token, err := cluster.token(map[string]any{
		"iss": "https://cluster.example.com", "sub": "system:serviceaccount:apps:deployer", "aud": []string{base + "/w/dev"},
		"kubernetes.io": map[string]any{"namespace": "apps", "serviceaccount": map[string]any{"name": "deployer"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(r.dir, "cluster-jwks.json"), string(document))
	writeFile(t, filepath.Join(r.dir, "deployer.jwt"), token)
}

// The configuration of the API server is the one that test/kubernetes tries, but for issuer and authority.
func TestGuideConfiguresTheAPIServerAsTested(t *testing.T) {
	var shown struct {
		JWT []struct {
			Issuer struct {
				URL       string
				Authority string `yaml:"certificateAuthority"`
			}
		}
	}
	var ours, tested any
	for _, b := range readPage(t, "docs/guide/kubernetes.md").of("yaml") {
		if strings.Contains(b.text, "kind: AuthenticationConfiguration") {
			parse(t, b.text, &ours)
			parse(t, b.text, &shown)
		}
	}
	if len(shown.JWT) != 1 {
		t.Fatalf("the guide configures %d issuers", len(shown.JWT))
	}
	json := func(text string) (string, error) { b, err := json.Marshal(text); return string(b), err }
	file := filepath.Join(repository, "test", "kubernetes", "testdata", "authentication.yaml")
	page, err := template.New("authentication.yaml").Funcs(template.FuncMap{"json": json}).ParseFiles(file)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	i := shown.JWT[0].Issuer
	if err := page.Execute(&text, []map[string]string{{"URL": i.URL, "CA": i.Authority}}); err != nil {
		t.Fatal(err)
	}
	parse(t, text.String(), &tested)
	if !reflect.DeepEqual(ours, tested) {
		t.Errorf("the guide has\n%v\nand the test\n%v", ours, tested)
	}
}

// Every YAML block of a guide is YAML.
func TestGuidesShowYAML(t *testing.T) {
	for _, name := range ours {
		for _, b := range readPage(t, name).of("yaml") {
			var any any
			parse(t, b.text, &any)
		}
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
