package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) keysCommand() *cobra.Command {
	return p.group("keys", "List and rotate the keys that the workspace signs with",
		"A key is published before it signs, and stays published until the last token that it signed has expired: no rotation makes a verification fail.",
		`nsc keys list
nsc keys rotate --alg ES256`,
		p.keysListCommand(), p.keysRotateCommand(),
	)
}

func (p *program) keysListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the workspace's signing keys", Args: noArguments,
		Example: `nsc keys list
nsc keys list -o json | jq -r '.[] | select(.state == "active").key_id'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.keysList(cmd.Context()) },
	}
}

func (p *program) keysList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	keys, err := s.client.Keys(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	return p.print(keys, func(w io.Writer) {
		var rows [][]string
		for _, k := range keys {
			rows = append(rows, []string{k.ID, k.Algorithm, k.State, p.keyLine(k)})
		}
		table(w, []string{"ID", "ALGORITHM", "STATE", "WHEN"}, rows)
	})
}

// keyLine says what became of a key, or what will.
func (p *program) keyLine(k api.Key) string {
	switch {
	case k.State == "published":
		return "signs " + p.fromWhen(k.ActiveAt)
	case k.State == "active" && k.RetireAt != nil:
		return "signs until a successor does, " + p.relative(*k.RetireAt)
	case k.State == "active":
		return "has signed since " + clock(began(k))
	case k.GoneAt != nil:
		return "leaves the key set " + p.relative(*k.GoneAt)
	}
	return ""
}

// began is from when a key signs: one that was to sign at once may do so by clocks that are behind, and was not there yet.
func began(k api.Key) time.Time {
	if k.ActiveAt.Before(k.CreatedAt) {
		return k.CreatedAt
	}
	return k.ActiveAt
}

// fromWhen says from when on something is so.
func (p *program) fromWhen(t time.Time) string {
	if !t.After(p.now()) {
		return "from now on"
	}
	return p.relative(t)
}

func (p *program) keysRotateCommand() *cobra.Command {
	var r api.Rotation
	cmd := &cobra.Command{
		Use: "rotate", Short: "Replace a signing key", Args: noArguments,
		Long: "Publish the next signing key of an algorithm; it signs once everybody can have fetched it. With --compromised a key is removed at once, and the tokens that it signed are dead; those that others verify by themselves, until they fetch the keys again, are counted.",
		Example: `nsc keys rotate
nsc keys rotate --alg RS256
nsc keys rotate --compromised --key-id 3f9c`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.keysRotate(cmd.Context(), r) },
	}
	cmd.Flags().StringVar(&r.Algorithm, "alg", "ES256", "`algorithm` of the key: ES256, RS256 or EdDSA")
	cmd.Flags().BoolVar(&r.Compromised, "compromised", false, "somebody else may have the key: remove it at once")
	cmd.Flags().StringVar(&r.KeyID, "key-id", "", "`ID` of the compromised key (default: the one that signs)")
	complete(cmd, "alg", signingAlgorithms...)
	return cmd
}

func (p *program) keysRotate(ctx context.Context, r api.Rotation) error {
	algorithm, err := checkAlgorithm(r.Algorithm)
	if err != nil {
		return err
	}
	r.Algorithm = algorithm
	if r.KeyID != "" && !r.Compromised {
		return failure.Misuse("--key-id is given without --compromised", "a planned rotation follows the key that signs: leave out --key-id, or add --compromised")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	done, err := s.client.RotateKeys(ctx, s.workspace, s.bearer, r)
	if err != nil {
		err = conflicting(err, "wait until it signs, or replace a compromised key at once: --compromised")
		return absent(err, s.workspace+" has no such key", "see what there is: nsc keys list")
	}
	p.sayRotated(done.Key)
	return p.print(done, func(w io.Writer) {
		if done.Key != nil {
			fmt.Fprintln(w, done.ID)
		}
		if done.Unreachable != nil {
			p.unreachable(p.stderr, api.Unreached{Unreachable: done.Unreachable, Incomplete: done.Incomplete}, byKey)
		}
	})
}

func (p *program) sayRotated(key *api.Key) {
	if key == nil {
		p.say("removed the key; it did not sign, so that it needs no successor")
		return
	}
	if key.Algorithm == "EdDSA" {
		p.say("warning: no cloud accepts EdDSA, and Google Cloud refuses an issuer that publishes such a key")
	}
	p.say("published %s key %s; it signs %s", key.Algorithm, key.ID, p.fromWhen(key.ActiveAt))
}
