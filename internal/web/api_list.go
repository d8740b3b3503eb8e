package web

import (
	"github.com/nsc-federation/nsc/internal/fault"
	"github.com/nsc-federation/nsc/internal/id"
)

// list is a page of things; next is the cursor of the page after it.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"The page"`
	Next  string `json:"next,omitempty" doc:"Cursor: give it as after (of events: before) to go on; absent on the last page"`
}

// listCall lists the things of a workspace in the order of their IDs.
type listCall struct {
	Call
	After string `query:"after" maxLength:"26" doc:"Cursor: the next of the page before this one"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"200" doc:"How many things a page has at most"`
}

// check refuses a cursor that no page can have given.
func (c listCall) check() error {
	if c.After != "" && !id.Valid(c.After) {
		return fault.Invalid("after", "is not the next of a page")
	}
	return nil
}

// pageOf fetches a page, and the cursor of the next one where there is one. The cursor is the last thing's place in the
// order, not a count, so that things which come or go in between are neither shown twice nor hide others.
func pageOf[T any](after string, limit int, cursor func(T) string, fetch func(after string, limit int) ([]T, error)) ([]T, string, error) {
	items, err := fetch(after, limit)
	if err != nil || len(items) < limit {
		return items, "", err
	}
	last := cursor(items[len(items)-1])
	rest, err := fetch(last, 1)
	if err != nil || len(rest) == 0 {
		return items, "", err
	}
	return items, last, nil
}

// newList renders a page.
func newList[T, B any](items []T, next string, render func(T) B) list[B] {
	l := list[B]{make([]B, len(items)), next}
	for i, item := range items {
		l.Items[i] = render(item)
	}
	return l
}
