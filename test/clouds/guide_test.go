package clouds

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A guide is a page in docs/guide. Its code blocks have names: the word after the language.
type guide string

// audiencesGuide is the page that the others refer to.
const audiencesGuide guide = "audiences.md"

func (g guide) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "guide", string(g)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block returns the content of the block of that name.
func (g guide) block(t *testing.T, name string) string {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^```[a-z]+ " + regexp.QuoteMeta(name) + "\n(.*?)^```$")
	found := fence.FindAllStringSubmatch(g.text(t), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks with the name %s", g, len(found), name)
	}
	return found[0][1]
}

// What stands in the guides for what is the reader's own.
const (
	exampleIssuer    = "nsc.example.com/w/prod" // also without https:// before it
	exampleCluster   = "https://cluster.example.com"
	exampleTokenFile = "/var/run/secrets/tokens/nsc"
	exampleSubject   = "workspace/agrabdtperqjwx2sfoxcb4rg5u/external/66qbh6njyzhzntuksyzgyd5j4m/" +
		"system%3Aserviceaccount%3Aapps%3Adeployer"
)

// The folders of the guides, and where they are in the reader's.
var exampleFolders = map[string]string{"/run/nsc": "run", "/usr/local/bin": "bin", "/etc/nsc": "etc"}
