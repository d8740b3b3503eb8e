package metrics

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What a metric says of itself; the library tells nothing but this text.
var described = regexp.MustCompile(`fqName: "(nsc_[a-z_]+)", help: "([^"]*)".*variableLabels: \{([a-z,]*)\}`)

func TestEveryMetricIsInTheReference(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	descriptions := make(chan *prometheus.Desc)
	go func() {
		New(time.Now).registry.Describe(descriptions)
		close(descriptions)
	}()
	found := 0
	for d := range descriptions {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			continue
		}
		found++
		labels := ""
		if m[3] != "" {
			labels = "`" + strings.ReplaceAll(m[3], ",", "`, `") + "`"
		}
		row := regexp.MustCompile("\\| `" + m[1] + "` \\| [a-z]+ \\| " + regexp.QuoteMeta(labels) + " \\| " + regexp.QuoteMeta(m[2]) + " \\|")
		if !row.Match(page) {
			t.Errorf("docs/reference/metrics.md lacks %s with labels %q and the help %q: let internal/web/gendocs count one", m[1], m[3], m[2])
		}
	}
	if found < 5 {
		t.Errorf("%d metrics found", found)
	}
}
