package cli

import (
	"context"
	"errors"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

// addTrust adds a trust. All trusts of a workspace in one issuer share their key source, and "for 30 days" is another time
// whenever it is said: where uploaded keys are the same that the issuer's other trusts have, and are believed by these for a
// shorter time, the new trust takes that time. Nothing is prolonged in passing, and no time that was written out is replaced.
func (p *program) addTrust(ctx context.Context, s session, change api.TrustChange, keys keySourceFlags) (api.Trust, error) {
	t, err := s.client.AddTrust(ctx, s.workspace, s.bearer, change)
	if !keysConflict(err) || !keys.forSome() {
		return t, err
	}
	shared, found := p.sharedKeys(ctx, s, change)
	if !found {
		return t, err
	}
	change.KeySource = &shared
	if t, err = s.client.AddTrust(ctx, s.workspace, s.bearer, change); err == nil {
		p.say("the keys are believed until %s, as by the issuer's other trust relationships, and not for %s; update changes it for all of them",
			p.when(shared.NotAfter), keys.notAfter)
	}
	return t, err
}

// keysConflict reports whether a trust was refused because the issuer's others have their keys from elsewhere.
func keysConflict(err error) bool {
	var r *api.Refusal
	return errors.As(err, &r) && r.Code == "conflict" && r.Field == "key_source"
}

// forSome reports whether uploaded keys are to be believed for a length of time, and not until a moment that is written out.
func (f *keySourceFlags) forSome() bool {
	_, err := parseDuration(f.notAfter)
	return f.jwksFile != "" && err == nil
}

// sharedKeys returns the key source of the issuer's trusts where it has the same keys, and sooner an end that is to come.
// Whoever may not read trusts is not told.
func (p *program) sharedKeys(ctx context.Context, s session, change api.TrustChange) (api.KeySource, bool) {
	trusts, err := s.client.Trusts(ctx, s.workspace, s.bearer)
	if err != nil {
		return api.KeySource{}, false
	}
	for _, t := range trusts {
		if t.Issuer != valueOf(change.Issuer) {
			continue
		}
		k, asked := t.KeySource, change.KeySource
		same := k.Kind == asked.Kind && k.JWKS == asked.JWKS && k.NotAfter.After(p.now()) && k.NotAfter.Before(asked.NotAfter)
		return k, same
	}
	return api.KeySource{}, false
}
