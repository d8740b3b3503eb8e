package keys

import (
	"context"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// ClockSkew is by how much clocks may differ.
const ClockSkew = clockSkew

// LoadTimeout bounds the reading of a ring.
const LoadTimeout = loadTimeout

// Turn does what is due now, as Run does every minute.
func (r *Rotator) Turn(ctx context.Context) error {
	return r.turn(ctx, func(context.Context) (bool, error) { return true, nil })
}

// Hold puts a ring of one key into memory.
func (r *Rings) Hold(s Stored, generation int64, signer *jwt.Signer) {
	r.rings.Add(s.WorkspaceID, &ring{generation: generation, members: []member{{stored: s, signer: signer}}})
}
