package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

func (p *program) trustExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain REFUSAL_ID", Short: "Say why a request for a token was refused", Args: oneArgument,
		Long: `Say why a request for a token was refused: each trust relationship that it may have been meant for, nearest first, what of it fails and by how little, and the smallest change that would admit it, with what else that would admit.

The request is decided again, by the trust relationships as they are now. What the token said is shown only where its signature verified. Refusals are kept for seven days.`,
		Example: `nsc auth trust-relationships explain agolopkbxawbssvvgrpr6ygwb4
nsc auth trust-relationships explain agolopkbxawbssvvgrpr6ygwb4 --workspace system   # a token that named no workspace`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.trustExplain(cmd.Context(), args[0]) },
	}
}

func (p *program) trustExplain(ctx context.Context, refusal string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	e, err := s.client.Explain(ctx, s.workspace, s.bearer, refusal)
	if err != nil {
		return absent(err, fmt.Sprintf("%s knows of no refusal %s", s.workspace, refusal),
			"it may be older than seven days, or another workspace's (--workspace): of a token that named none it is the workspace system's")
	}
	return p.print(e, func(w io.Writer) { p.writeExplanation(w, e) })
}

func (p *program) writeExplanation(w io.Writer, e api.Explanation) {
	verified := "yes"
	if !e.Verified {
		verified = "no: nobody vouches for what the token says, so it is not shown"
	}
	summary := firstOf(e.Reason, e.Summary)
	describe(w, []field{
		{"Refusal", e.ID}, {"Time", p.when(e.Time)}, {"From", shown(e.Address)}, {"Told", e.Code}, {"Recorded", cut(summary)},
		{"Verified", verified}, {"Asked for", cut(askedWords(e.Asked))}, {"Claims", claimLines(e.Claims)}, {"Hint", cut(strings.Join(e.Advice, "; "))},
	})
	if e.Decision != nil {
		fmt.Fprintln(w, "\nBy the trust relationships as they are now:")
		p.writeDecision(w, *e.Decision)
	}
}

func askedWords(a api.Asked) string {
	words := strings.ReplaceAll(a.TokenType, "_", " ")
	if a.Audience != "" {
		words += " for " + a.Audience
	}
	if len(a.Scope) > 0 {
		words += ", scope " + strings.Join(a.Scope, " ")
	}
	for _, g := range a.Grants {
		words += ", " + g.ResourceType + " " + g.ResourceID + ": " + strings.Join(g.Actions, ", ")
	}
	if a.Trust != "" {
		words += ", by trust " + a.Trust
	}
	return words
}
