package store

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// filter is a query that was checked. It selects in SQL, from the events, and in Go, from the queue.
type filter struct {
	audit.Query
	workspace key
	only      *key // the one event; nil for any
	before    *key // nil for none
}

func newFilter(q audit.Query) (filter, error) {
	f := filter{Query: q}
	var err error
	if f.workspace, err = id.Bytes(q.WorkspaceID); err != nil {
		return f, fmt.Errorf("%w: workspace %q: %w", ErrInvalid, q.WorkspaceID, err)
	}
	for _, event := range []struct {
		name, text string
		key        **key
	}{{"id", q.ID, &f.only}, {"before", q.Before, &f.before}} {
		if event.text == "" {
			continue
		}
		k, err := id.Bytes(event.text)
		if err != nil {
			return f, fmt.Errorf("%w: %s %q: %w", ErrInvalid, event.name, event.text, err)
		}
		*event.key = &k
	}
	for _, kind := range q.Kinds {
		if err := indexable(string(kind)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// selects reports whether the query selects an event of its workspace.
func (f filter) selects(e *audit.Entry) bool {
	at := micros(e.Time)
	switch {
	case f.ID != "" && f.ID != e.ID,
		!f.Since.IsZero() && at < micros(f.Since),
		!f.Until.IsZero() && at >= micros(f.Until),
		len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
		f.Subject != "" && f.Subject != e.Subject,
		f.Trust != "" && !slices.Contains(e.Trusts, f.Trust),
		f.Parent != "" && !slices.Contains(e.Parents, f.Parent),
		f.Actor != "" && !slices.Contains(e.Actors, f.Actor),
		f.TokenID != "" && f.TokenID != e.TokenID:
		return false
	}
	if f.before == nil {
		return true
	}
	eventID, err := id.Bytes(e.ID)
	return err == nil && bytes.Compare(eventID[:], f.before[:]) < 0
}

// selection is what a query selects of the events' table: SQL from FROM on, with its arguments.
type selection struct {
	from string
	id   string // the column to sort by
	args []any
}

// selections returns what the query selects as parts without an event in common, each of which an index finds. Some
// conditions say nothing new but to the planner, which uses a partial index only where the text says that it may.
func (f filter) selections() []selection {
	const other = ` AND e.token = ? AND length(e.token) > 1`
	if f.TokenID == "" {
		return []selection{f.selection("")}
	}
	parts := []selection{f.selection(other, digest(f.TokenID))}
	if own, err := id.Bytes(f.TokenID); err == nil {
		parts = append(parts, f.selection(` AND e.id = ? AND e.token = ?`, own[:], ownToken))
	}
	return parts
}

func (f filter) selection(token string, args ...any) selection {
	var w where
	idColumn := "e.id"
	w.add(`FROM events AS e`)
	link := func(alias string, key []byte) {
		idColumn = alias + ".event_id"
		w.add(` JOIN event_trusts AS `+alias+` ON `+alias+`.workspace_id = e.workspace_id AND `+idColumn+` = e.id
			AND `+alias+`.workspace_id = ? AND `+alias+`.trust = ?`, f.workspace[:], key)
	}
	if f.Trust != "" {
		link("t", digest(f.Trust))
	}
	if f.Parent != "" {
		link("p", parentKey(f.Parent))
	}
	if f.Actor != "" {
		link("a", actorKey(f.Actor))
	}
	w.add(` WHERE e.workspace_id = ?`, f.workspace[:])
	if f.only != nil {
		w.add(` AND `+idColumn+` = ?`, f.only[:])
	}
	if f.before != nil {
		w.add(` AND `+idColumn+` < ?`, f.before[:])
	}
	if !f.Since.IsZero() {
		w.add(` AND e.time >= ?`, micros(f.Since))
	}
	if !f.Until.IsZero() {
		w.add(` AND e.time < ?`, micros(f.Until))
	}
	if f.Subject != "" {
		w.add(` AND e.subject = ? AND length(e.subject) > 0`, digest(f.Subject))
	}
	w.add(token, args...)
	f.addKinds(&w)
	return selection{w.text.String(), idColumn, w.args}
}

func (f filter) addKinds(w *where) {
	if len(f.Kinds) == 0 {
		return
	}
	kinds := make([]any, len(f.Kinds))
	for i, kind := range f.Kinds {
		kinds[i] = string(kind)
	}
	w.add(` AND e.kind IN (?`+strings.Repeat(`, ?`, len(kinds)-1)+`)`, kinds...)
	if !slices.Contains(f.Kinds, audit.TokenIssued) {
		w.add(` AND e.kind <> '` + string(audit.TokenIssued) + `'`)
	}
}

// where is a text with the arguments that belong to it.
type where struct {
	text strings.Builder
	args []any
}

// add appends text whose question marks stand for the arguments.
func (w *where) add(text string, args ...any) {
	parts := strings.Split(text, "?")
	w.text.WriteString(parts[0])
	for i, part := range parts[1:] {
		w.args = append(w.args, args[i])
		w.text.WriteString("$" + strconv.Itoa(len(w.args)) + part)
	}
}
