package policy

import (
	"container/list"
	"sync"

	"cel.dev/cel-go/cel"
)

// programs keeps the compiled expressions used last, by their text. Thousands of trusts share a few texts, and a
// program takes kilobytes, so that keeping one per trust would cost more memory than everything else. It is a memory of
// a pure function: what is dropped is compiled again, with the same result.
type programs struct {
	mu     sync.Mutex
	limit  int
	byText map[string]*list.Element
	recent *list.List // of compiled, the one used last in front
}

type compiled struct {
	text    string
	program cel.Program
}

const maxPrograms = 4096

// recentPrograms is the process's one set of programs.
var recentPrograms = newPrograms(maxPrograms)

func newPrograms(limit int) *programs {
	return &programs{limit: limit, byText: map[string]*list.Element{}, recent: list.New()}
}

// get returns the program of the text, compiling it at its first use. Two callers at once may compile it twice.
func (p *programs) get(text string) (cel.Program, error) {
	if program, ok := p.find(text); ok {
		return program, nil
	}
	checked, err := parseExpression(text)
	if err != nil {
		return nil, err
	}
	program, err := plan(checked)
	if err != nil {
		return nil, err
	}
	p.keep(text, program)
	return program, nil
}

func (p *programs) find(text string) (cel.Program, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.byText[text]
	if !ok {
		return nil, false
	}
	p.recent.MoveToFront(e)
	return e.Value.(compiled).program, true
}

func (p *programs) keep(text string, program cel.Program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.byText[text]; ok {
		return
	}
	p.byText[text] = p.recent.PushFront(compiled{text, program})
	for p.recent.Len() > p.limit {
		oldest := p.recent.Back()
		delete(p.byText, oldest.Value.(compiled).text)
		p.recent.Remove(oldest)
	}
}
