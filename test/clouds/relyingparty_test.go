package clouds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// A relyingParty is how the stand-ins verify tokens of one issuer. They know its URL and which algorithms they accept;
// the rest is found by discovery. Audience and subject are for the stand-in to compare.
type relyingParty struct {
	provider   *oidc.Provider
	algorithms []string
	later      time.Duration // from now, by the stand-in's clock
}

// newRelyingParty finds the issuer's keys.
func newRelyingParty(t *testing.T, client *http.Client, issuer string, algorithms ...string) *relyingParty {
	t.Helper()
	if !strings.HasPrefix(issuer, "https://") {
		t.Fatalf("no cloud accepts the issuer %s", issuer)
	}
	// The provider keeps the context that it was made with, for its later fetches.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), client), issuer)
	if err != nil {
		t.Fatal(err)
	}
	return &relyingParty{provider: provider, algorithms: algorithms}
}

// The parts of a token that can be refused.
const (
	inForm, inAlgorithm, inIssuer, inSignature, inTime = "form", "algorithm", "issuer", "signature", "time"
)

// A refusal says what of a token is not accepted.
type refusal struct {
	of    string
	cause error
}

func (r *refusal) Error() string { return r.of + ": " + r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

// verify returns a token that is the issuer's and in its time. Its error is a *refusal, but where the issuer cannot be
// reached.
func (p *relyingParty) verify(ctx context.Context, raw string) (*oidc.IDToken, error) {
	if strings.ContainsAny(raw, " \r\n\t") {
		return nil, &refusal{inForm, errors.New("white space in a compact token (RFC 7515 §7.1)")}
	}
	verifier := p.provider.Verifier(&oidc.Config{
		SkipClientIDCheck: true, SupportedSigningAlgs: p.algorithms, Now: func() time.Time { return time.Now().Add(p.later) },
	})
	token, err := verifier.Verify(ctx, raw)
	switch {
	case err != nil:
		return nil, refusalOf(err)
	case token.Subject == "" || token.IssuedAt.IsZero():
		return nil, &refusal{inForm, errors.New("no sub or no iat")}
	}
	return token, nil
}

// refusalOf reads the library's words: but for one it has no types of error.
func refusalOf(err error) error {
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return &refusal{inTime, err}
	}
	if strings.Contains(err.Error(), "fetching keys") { // also said to be a failure to verify the signature
		return err
	}
	for _, reason := range []struct{ words, of string }{
		{"unexpected signature algorithm", inAlgorithm}, {"issued by a different provider", inIssuer},
		{"failed to verify", inSignature}, {"malformed", inForm},
	} {
		if strings.Contains(err.Error(), reason.words) {
			return &refusal{reason.of, err}
		}
	}
	return err
}

// refused returns what of a token was not accepted, "" where the error is another.
func refused(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.of
	}
	return ""
}

// unverifiedIssuer reads which issuer a token claims, to find out whether it is one that is known.
func unverifiedIssuer(raw string) (string, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return "", fmt.Errorf("a token of %d parts", len(parts))
	}
	var c claims
	err := unmarshalPart(parts[1], &c)
	return c.Issuer, err
}
