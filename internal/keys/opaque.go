package keys

import (
	"context"
	"errors"
	"time"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/opaque"
	"github.com/nsc-federation/nsc/internal/policy"
)

// References keeps what opaque tokens stand for.
type References interface {
	CreateOpaque(ctx context.Context, workspaceID string, hash, payload []byte, expiresAt time.Time) error
}

// Opaques makes opaque access tokens: the same receipt as for a signature, with the claims kept here and a secret given
// out that finds them.
type Opaques struct{ store References }

// NewOpaques returns a maker of opaque tokens.
func NewOpaques(store References) *Opaques { return &Opaques{store} }

// Issue keeps what the receipt recorded, once, and returns the secret that stands for it.
func (o *Opaques) Issue(ctx context.Context, receipt audit.Receipt) (Token, error) {
	switch {
	case receipt.IsZero():
		return Token{}, errors.New("keys: no receipt")
	case receipt.KeyID() != "":
		return Token{}, errors.New("keys: the receipt is for a signature")
	case receipt.Grant().TokenType() != policy.AccessToken:
		return Token{}, errors.New("keys: only an access token may be opaque")
	}
	payload, err := receipt.Redeem()
	if err != nil {
		return Token{}, err
	}
	secret, hash := opaque.New(opaque.Access)
	if err := o.store.CreateOpaque(ctx, receipt.Grant().WorkspaceID(), hash[:], payload, receipt.ExpiresAt()); err != nil {
		return Token{}, err
	}
	if receipt.Late() {
		return Token{}, audit.ErrLate
	}
	return Token{&secret, receipt.TokenID(), receipt.ExpiresAt()}, nil
}
