package redaction

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
)

// NewHandler returns a handler that logs what it is given without the tokens in it.
func NewHandler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ next slog.Handler }

// Enabled asks the handler behind.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle hands a record on without the tokens in it.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, Text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

// WithAttrs returns a handler that adds attributes to each record.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.next.WithAttrs(all(attrs))}
}

// WithGroup returns a handler that puts the attributes of each record into a group.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.next.WithGroup(name)} }

func all(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = attr(a)
	}
	return clean
}

// attr returns an attribute as it will be read. What is no plain value becomes text here, because what its text will be
// cannot be known otherwise.
func attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(Text(v.String()))
	case slog.KindGroup:
		a.Value = slog.GroupValue(all(v.Group())...)
	case slog.KindAny:
		a.Value = slog.StringValue(Text(written(v.Any())))
	default:
		a.Value = v
	}
	return a
}

// written returns a value as slog's own handler of text writes it.
func written(value any) string {
	switch v := value.(type) {
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return string(text)
		}
	case []byte:
		return string(v)
	}
	return fmt.Sprintf("%+v", value)
}
