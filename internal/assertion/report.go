package assertion

import (
	"encoding/xml"
	"strings"
)

// Report is a file with how its cases came out.
type Report struct {
	File    string   `json:"file"`
	Source  File     `json:"-"`
	Results []Result `json:"results"`
}

// Result is how one case came out.
type Result struct {
	Case    string   `json:"case"`
	Passed  bool     `json:"passed"`
	Differs []string `json:"differs,omitempty"`
}

// Run decides every case of the file.
func (r *Report) Run(decide func(Case) (Outcome, error)) error {
	for _, c := range r.Source.Cases {
		outcome, err := decide(c)
		if err != nil {
			return err
		}
		differs := c.Differs(outcome)
		r.Results = append(r.Results, Result{c.Name, len(differs) == 0, differs})
	}
	return nil
}

// Failed returns how many cases came out otherwise than they should.
func (r *Report) Failed() (n int) {
	for _, result := range r.Results {
		if !result.Passed {
			n++
		}
	}
	return n
}

// The XML that continuous integration reads, as JUnit writes it.
type (
	suites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	testcase struct {
		Class   string   `xml:"classname,attr"`
		Name    string   `xml:"name,attr"`
		Failure *problem `xml:"failure"`
	}
	problem struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit returns reports as JUnit writes them.
func JUnit(reports []Report) ([]byte, error) {
	var all suites
	for _, r := range reports {
		s := suite{Name: r.File, Tests: len(r.Results), Failures: r.Failed()}
		for _, result := range r.Results {
			c := testcase{Class: r.File, Name: result.Case}
			if !result.Passed {
				c.Failure = &problem{result.Differs[0], strings.Join(result.Differs, "\n")}
			}
			s.Cases = append(s.Cases, c)
		}
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}
