package web

import (
	"context"
	"errors"

	"github.com/nsc-federation/nsc/internal/fault"
)

// faultOf returns the fault of an error, for its one renderer to complete, and whether the client is gone: what he began
// ended because he went away, which is no failure of the server's and nothing for its operator to read of.
func faultOf(ctx context.Context, err error) (f *fault.Fault, gone bool) {
	found := *fault.From(err)
	if !errors.Is(ctx.Err(), context.Canceled) {
		return &found, false
	}
	if found.Code == fault.Internal && errors.Is(err, context.Canceled) {
		found = *fault.New(fault.Unavailable, err)
	}
	return &found, found.Code == fault.Unavailable
}
