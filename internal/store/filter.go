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
	before    *key // nil for none
}

func newFilter(q audit.Query) (filter, error) {
	f := filter{Query: q}
	var err error
	if f.workspace, err = id.Bytes(q.WorkspaceID); err != nil {
		return f, fmt.Errorf("%w: workspace %q: %w", ErrInvalid, q.WorkspaceID, err)
	}
	if q.Before != "" {
		before, err := id.Bytes(q.Before)
		if err != nil {
			return f, fmt.Errorf("%w: before %q: %w", ErrInvalid, q.Before, err)
		}
		f.before = &before
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
	case !f.Since.IsZero() && at < micros(f.Since),
		!f.Until.IsZero() && at >= micros(f.Until),
		len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
		f.Subject != "" && f.Subject != e.Subject,
		f.Trust != "" && !slices.Contains(e.Trusts, f.Trust),
		f.TokenID != "" && f.TokenID != e.TokenID:
		return false
	}
	if f.before == nil {
		return true
	}
	eventID, err := id.Bytes(e.ID)
	return err == nil && bytes.Compare(eventID[:], f.before[:]) < 0
}

// sql returns the same for the events' table: from FROM on, with its arguments. Some conditions are there for the planner,
// which uses a partial index only where the text says that it may.
func (f filter) sql() (string, []any) {
	var w where
	w.text.WriteString(`FROM events AS e`)
	if f.Trust != "" {
		w.text.WriteString(` JOIN event_trusts AS t ON t.workspace_id = e.workspace_id AND t.event_id = e.id`)
	}
	w.add(` WHERE e.workspace_id = ?`, f.workspace[:])
	if f.Trust != "" {
		w.add(` AND t.workspace_id = ? AND t.trust = ?`, f.workspace[:], digest(f.Trust))
	}
	if f.before != nil {
		w.add(` AND e.id < ?`, f.before[:])
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
	f.addToken(&w)
	f.addKinds(&w)
	return w.text.String(), w.args
}

func (f filter) addToken(w *where) {
	if f.TokenID == "" {
		return
	}
	const other = `e.token = ? AND length(e.token) > 1`
	if own, err := id.Bytes(f.TokenID); err == nil {
		w.add(` AND (e.id = ? AND e.token = ? OR `+other+`)`, own[:], ownToken, digest(f.TokenID))
		return
	}
	w.add(` AND `+other, digest(f.TokenID))
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
		w.text.WriteString(` AND e.kind <> '` + string(audit.TokenIssued) + `'`)
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
