package storetest

import (
	"errors"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/jwt"
	"github.com/nsc-federation/nsc/internal/keys"
	"github.com/nsc-federation/nsc/internal/store"
)

var restores = map[string]func(*lab){
	"rule 30: a new epoch leaves no key and no stored token": func(l *lab) {
		l.furnished()
		l.must(l.AddKey(l.ctx, key(l.one.ID, jwt.RS256, now), nil, event(l.one.ID, "x")))
		l.must(l.CreateOpaque(l.ctx, l.two.ID, []byte("hash"), []byte("{}"), now))
		before := l.generation(l.two)
		var made []keys.Stored
		done, err := l.Restore(l.ctx, func(workspaceID string, alg jwt.Algorithm) (keys.Stored, error) {
			k := key(workspaceID, alg, now)
			made = append(made, k)
			return k, nil
		}, begun)
		l.must(err)
		equal(l, done, store.Restored{Epoch: installation.Epoch + 1, Workspaces: 2, Keys: 2, Opaque: 1, Revocable: 1})
		l.hasKeys(l.one, made...)
		l.hasKeys(l.two)
		_, err = l.Opaque(l.ctx, []byte("hash"))
		l.is(err, store.ErrNotFound)
		left, err := l.Revocables(l.ctx, l.one.ID, "", 10)
		l.must(err)
		equal(l, len(left), 0)
		if l.generation(l.two) <= before {
			l.Error("a workspace has not moved, so nodes would go on with what they remember")
		}
		l.sequence()
		for _, w := range []string{l.one.ID, l.two.ID} {
			if n, err := l.Count(l.ctx, audit.Query{WorkspaceID: w, Kinds: []audit.Kind{audit.InstallationRestored}}); n != 1 || err != nil {
				l.Errorf("%d events, %v", n, err)
			}
		}
	},

	"rule 30: half of an epoch does not begin": func(l *lab) {
		l.furnished()
		broken := errors.New("no randomness")
		before := l.contents()
		_, err := l.Restore(l.ctx, func(string, jwt.Algorithm) (keys.Stored, error) { return keys.Stored{}, broken }, begun)
		if !errors.Is(err, broken) {
			l.Error(err)
		}
		equal(l, l.contents(), before)
		i, err := l.Installation(l.ctx)
		l.must(err)
		equal(l, i.Epoch, installation.Epoch)
	},
}

func begun(workspaceID string, _ int64) (audit.Entry, error) {
	return event(workspaceID, audit.InstallationRestored), nil
}
