package interop

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A relyingParty is a program that knows the issuers and audiences it is told, and how to look up the rest. It keeps
// what it looked up as its library does.
type relyingParty interface {
	// verify returns the subject of a token that it accepts. A token that it does not is a *refusal.
	verify(ctx context.Context, v verification) (subject string, err error)
}

// A verification is a token with what the relying party demands of it.
type verification struct {
	issuer   string
	audience string
	token    string
	later    time.Duration // from now, by the relying party's clock
}

// A refusal names what in a token was not accepted: a claim, a header parameter, or "signature".
type refusal struct {
	of    string
	cause error
}

func (r *refusal) Error() string { return r.of + ": " + r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }

// A party is a relying party that can be had, and the kind of token it is made for.
type party struct {
	name string
	kind kind
	open func(t *testing.T, l *lab) relyingParty
}

// typed are the parties that look at typ (rule 3). go-oidc does not and has no setting for it: the audience alone tells it
// an ID token from an access token.
var typed = []party{
	{name: "golang-jwt", kind: idToken, open: openGolangJWT},
	{name: "jose", kind: idToken, open: openLibrary("jose")},
	{name: "oauth4webapi", kind: accessToken, open: openLibrary("oauth4webapi")},
}

var parties = append([]party{{name: "go-oidc", kind: idToken, open: openGoOIDC}}, typed...)

// other returns the kind that the party is not made for.
func (p party) other() kind {
	if p.kind == idToken {
		return accessToken
	}
	return idToken
}

// wantAccepted demands that a relying party accepts a token, and sees in it whom it is about.
func wantAccepted(t *testing.T, rp relyingParty, v verification, subject string) {
	t.Helper()
	got, err := rp.verify(t.Context(), v)
	if err != nil {
		t.Errorf("refused: %v", err)
	} else if got != subject {
		t.Errorf("accepted as a token of %q, not %q", got, subject)
	}
}

// wantRefused demands that a relying party refuses a token for one of the named reasons.
func wantRefused(t *testing.T, rp relyingParty, v verification, reasons ...string) {
	t.Helper()
	subject, err := rp.verify(t.Context(), v)
	if err == nil {
		t.Errorf("accepted as a token of %q", subject)
		return
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		t.Fatal(err)
	}
	for _, reason := range reasons {
		if refused.of == reason {
			return
		}
	}
	t.Errorf("refused because of %q, want %q", refused, reasons)
}

// A library is a relying party on Node.
type library struct {
	name string
	node *node
}

func openLibrary(name string) func(*testing.T, *lab) relyingParty {
	return func(t *testing.T, l *lab) relyingParty {
		t.Helper()
		return library{name, l.openNode(t)}
	}
}

func (l library) verify(_ context.Context, v verification) (string, error) {
	var result struct {
		Subject string `json:"subject"`
	}
	err := l.node.call(request{
		Library: l.name, Call: "verify", Later: int(v.later / time.Second),
		Issuer: v.issuer, Audience: v.audience, Token: v.token,
	}, &result)
	if failed, ok := errors.AsType[*failure](err); ok && failed.Refused != "" {
		return "", &refusal{failed.Refused, failed}
	}
	return result.Subject, err
}
