package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
)

// member is what a call to a collection creates: it has a place of its own below it, "" where it lies elsewhere.
type member interface {
	entity
	place() string
}

// created is the answer to a creation: the new thing with its place (RFC 9110 §10.2.2) and its entity tag.
type created[T any] struct {
	Location string `header:"Location" doc:"Path of what was created; absent where that has none of its own"`
	ETag     string `header:"ETag" doc:"Entity tag of what was created; absent where a read must tell it"`
	Body     T
}

// create registers an operation that creates something in the collection that it is a call to. Where it is sent again, the
// answer says the same.
func create[I any, T member, P interface {
	*I
	below(place string) string
}](h *handler, api huma.API, op operation, run func(context.Context, *I) (T, error)) {
	respond(h, api, op, func(ctx context.Context, in *I) (*created[T], error) {
		body, err := run(ctx, in)
		if err != nil {
			return nil, err
		}
		return &created[T]{P(in).below(body.place()), body.entityTag(), body}, nil
	})
}
