package policy

import (
	"errors"

	"github.com/nsc-federation/nsc/internal/grants"
)

// Pattern is literal text with stars (rule 18).
type Pattern = grants.Pattern

const maxPattern = grants.MaxPattern // bytes

// CompileSubject compiles a pattern for the subjects of tokens. It judges the form alone: whether the pattern names
// enough is judged with the condition beside it (Check). The warnings are for whoever writes the pattern.
func CompileSubject(text string) (Pattern, []string, error) {
	p, err := compilePattern(text)
	if err != nil {
		return Pattern{}, nil, err
	}
	if p.EndsInside() {
		return p, []string{"the final * stands within a segment: it also admits every longer name that begins the " +
			"same (api* admits api-evil); end with :* or /* to admit what is below, or write the name out"}, nil
	}
	return p, nil, nil
}

// CompileAudience compiles a pattern for audiences. A final star within a segment is an error, because
// https://api.example.com* also admits https://api.example.com.evil.example.
func CompileAudience(text string) (Pattern, error) {
	p, err := compilePattern(text)
	if err != nil {
		return Pattern{}, err
	}
	if p.EndsInside() {
		return Pattern{}, errors.New("ends in a * within a segment, which also admits other hosts and names that begin " +
			"the same; end with /* or :* or write the name out")
	}
	return p, nil
}

func compilePattern(text string) (Pattern, error) {
	if problem := checkText(text, maxPattern); problem != "" {
		return Pattern{}, errors.New(problem)
	}
	return grants.Compile(text)
}
