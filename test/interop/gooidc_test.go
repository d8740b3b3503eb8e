package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// goOIDC is a relying party on coreos/go-oidc.
type goOIDC struct {
	client    *http.Client
	providers map[string]*oidc.Provider // by issuer
}

func openGoOIDC(_ *testing.T, l *lab) relyingParty {
	return &goOIDC{l.secure.client, map[string]*oidc.Provider{}}
}

func (g *goOIDC) verify(ctx context.Context, v verification) (string, error) {
	// The provider keeps the context that it was made with, for its later fetches, so that is not the test's.
	provider := g.providers[v.issuer]
	if provider == nil {
		var err error
		provider, err = oidc.NewProvider(oidc.ClientContext(context.Background(), g.client), v.issuer)
		if err != nil {
			return "", fmt.Errorf("discovery: %w", err)
		}
		g.providers[v.issuer] = provider
	}
	now := func() time.Time { return time.Now().Add(v.later) }
	token, err := provider.Verifier(&oidc.Config{ClientID: v.audience, Now: now}).Verify(ctx, v.token)
	if err != nil {
		return "", goOIDCRefusal(err)
	}
	return token.Subject, nil
}

// goOIDCRefusal reads the library's words: but for one it has no types of error. It does not tell an unknown key from
// a wrong signature.
func goOIDCRefusal(err error) error {
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return &refusal{"exp", err}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return err
	}
	for words, what := range map[string]string{
		"issued by a different provider": "iss", "expected audience": "aud", "failed to verify": "signature",
	} {
		if strings.Contains(err.Error(), words) {
			return &refusal{what, err}
		}
	}
	return err
}
