package audit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// memory is a log in memory. It can be made to fail before and after it kept what it was given, to wait, to be slow and to
// answer what no log should.
type memory struct {
	mu      sync.Mutex
	batches [][]Entry
	uses    map[[2]string]Outcome
	before  error
	after   error
	slow    time.Duration
	answer  func([]Outcome) []Outcome

	entered chan int      // takes the size of each batch that comes, where it is not nil
	gate    chan struct{} // lets one batch go on for each that is sent, or all when closed, where it is not nil
}

func (m *memory) Append(ctx context.Context, entries []Entry) ([]Outcome, error) {
	if m.entered != nil {
		m.entered <- len(entries)
	}
	if m.gate != nil {
		select {
		case <-m.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	<-time.After(m.slow)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.before != nil {
		return nil, m.before
	}
	outcomes := m.keep(entries)
	if m.after != nil {
		return nil, m.after
	}
	if m.answer != nil {
		return m.answer(outcomes), nil
	}
	return outcomes, nil
}

// keep compares generations with 7, and consumes single uses.
func (m *memory) keep(entries []Entry) []Outcome {
	outcomes := make([]Outcome, len(entries))
	var kept []Entry
	for i, e := range entries {
		if e.Generation != 0 && e.Generation != 7 {
			outcomes[i].Verdict = Moved
			continue
		}
		if e.Use != nil {
			key := [2]string{e.Use.Issuer, e.Use.TokenID}
			if first, used := m.uses[key]; used {
				outcomes[i] = first
				continue
			}
			if m.uses == nil {
				m.uses = map[[2]string]Outcome{}
			}
			m.uses[key] = Outcome{Used, e.Use.RetryKey, slices.Clone(e.Use.Payload), e.Time}
		}
		outcomes[i].Verdict = Committed
		kept = append(kept, e)
	}
	m.batches = append(m.batches, kept)
	return outcomes
}

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// entries returns what is on the record.
func (m *memory) entries() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Concat(m.batches...)
}

// sizes returns the number of entries of each commit.
func (m *memory) sizes() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sizes []int
	for _, b := range m.batches {
		sizes = append(sizes, len(b))
	}
	return sizes
}

// kinds returns the kinds of what is on the record.
func (m *memory) kinds() []Kind {
	var kinds []Kind
	for _, e := range m.entries() {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
