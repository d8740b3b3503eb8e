package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

// trustsLike is what the listed trusts are to say, byte for byte; empty is anything.
type trustsLike struct{ issuer, subject, audience string }

func (p *program) trustListCommand() *cobra.Command {
	var like trustsLike
	cmd := &cobra.Command{
		Use: "list", Short: "List the trust relationships of the workspace", Args: noArguments,
		Example: `nsc auth trust-relationships list
nsc auth trust-relationships list --issuer https://token.actions.githubusercontent.com
nsc auth trust-relationships list -o json | jq -r '.[].issuer'`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustList(cmd.Context(), like) },
	}
	cmd.Flags().StringVar(&like.issuer, "issuer", "", "only those in this `issuer`")
	cmd.Flags().StringVar(&like.subject, "subject-match", "", "only those with this `pattern` of subjects")
	cmd.Flags().StringVar(&like.audience, "audience", "", "only those that expect this `audience`")
	return cmd
}

// leavesOut holds a trust of the workspace of an issuer, which is the audience where a trust names none.
func (l trustsLike) leavesOut(t api.Trust, issuer string) bool {
	return l.issuer != "" && l.issuer != t.Issuer || l.subject != "" && l.subject != t.SubjectMatch ||
		l.audience != "" && l.audience != firstOf(t.Audience, issuer)
}

func (p *program) trustList(ctx context.Context, like trustsLike) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	trusts, err := s.client.Trusts(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	own := s.origin.Base + "/w/" + s.workspace
	trusts = slices.DeleteFunc(trusts, func(t api.Trust) bool { return like.leavesOut(t, own) })
	if len(trusts) == 0 && like != (trustsLike{}) {
		p.say("%s has no such trust relationship", s.workspace)
	} else if len(trusts) == 0 {
		p.say("%s trusts nobody yet; see nsc auth trust-relationships add --help", s.workspace)
	}
	return p.print(trusts, func(w io.Writer) {
		var rows [][]string
		for _, t := range trusts {
			rows = append(rows, []string{t.ID, trustState(t), shown(t.Issuer), shown(t.SubjectMatch), dash(shown(t.Description))})
		}
		table(w, []string{"ID", "STATE", "ISSUER", "SUBJECT", "DESCRIPTION"}, rows)
	})
}
