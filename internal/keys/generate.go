package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

const rsaBits = 2048

// Pool makes private keys, RSA ones ahead of need: one takes some hundred milliseconds.
type Pool struct{ rsa chan *rsa.PrivateKey }

// NewPool returns a pool that is filled until the context ends.
func NewPool(ctx context.Context) *Pool {
	p := &Pool{make(chan *rsa.PrivateKey, 1)}
	go p.fill(ctx)
	return p
}

func (p *Pool) fill(ctx context.Context) {
	for ctx.Err() == nil {
		key, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return // only where the system has no randomness; take says so
		}
		select {
		case p.rsa <- key:
		case <-ctx.Done():
		}
	}
}

func (p *Pool) take(alg jwt.Algorithm) (crypto.Signer, error) {
	switch alg {
	case jwt.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case jwt.RS256:
		select {
		case key := <-p.rsa:
			return key, nil
		default:
			return rsa.GenerateKey(rand.Reader, rsaBits)
		}
	}
	return nil, fmt.Errorf("keys: no rings for algorithm %q", alg)
}

// New returns a fresh key of a workspace, sealed, that may sign from activeAt on.
func (p *Pool) New(master Master, workspaceID, keyID string, alg jwt.Algorithm, now, activeAt time.Time) (Stored, error) {
	private, err := p.take(alg)
	if err != nil {
		return Stored{}, err
	}
	public, err := jwt.Key{ID: keyID, Algorithm: alg, Public: private.Public()}.JWK()
	if err != nil {
		return Stored{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Stored{}, err
	}
	return Stored{
		WorkspaceID: workspaceID, ID: keyID, Algorithm: alg, Public: public, CreatedAt: now, ActiveAt: activeAt,
		Sealed: master.Seal(signingKey(workspaceID, keyID, alg), der),
	}, nil
}

func signingKey(workspaceID, keyID string, alg jwt.Algorithm) Binding {
	return Binding{WorkspaceID: workspaceID, Purpose: "signing key", Algorithm: string(alg), KeyID: keyID}
}

func (s Stored) binding() Binding { return signingKey(s.WorkspaceID, s.ID, s.Algorithm) }

// Reseal returns the private half sealed under another master key.
func (s Stored) Reseal(from, to Master) ([]byte, error) {
	der, err := from.Open(s.binding(), s.Sealed)
	if err != nil {
		return nil, err
	}
	return to.Seal(s.binding(), der), nil
}

func (s Stored) open(master Master) (crypto.Signer, error) {
	der, err := master.Open(s.binding(), s.Sealed)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys: a %T cannot sign", parsed)
	}
	return signer, nil
}
