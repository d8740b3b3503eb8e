package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) checkLoginCommand() *cobra.Command {
	var remaining duration
	cmd := &cobra.Command{
		Use: "check-login", Short: "Check that you are signed in, and for how long", Args: noArguments,
		Long: "Ask the server whether you are signed in. Exits with 0 where you are and with 3 where you are not.",
		Example: `nsc auth check-login
nsc auth check-login --for 10m || nsc auth exchange-oidc-token --token-file token.jwt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.checkLogin(cmd.Context(), time.Duration(remaining))
		},
	}
	cmd.Flags().Var(&remaining, "for", "fail where the sign-in ends within this time")
	return cmd
}

// loginState is what check-login prints as JSON.
type loginState struct {
	Workspace string    `json:"workspace"`
	Subject   string    `json:"subject"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (p *program) checkLogin(ctx context.Context, remaining time.Duration) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	caller, err := s.client.WhoAmI(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	if p.fromNow(remaining).After(caller.ExpiresAt) {
		return failure.New(failure.Refused,
			fmt.Sprintf("the sign-in to %s ends %s, not %s from now or later", caller.Workspace, p.relative(caller.ExpiresAt), shortDuration(remaining)),
			signInHint)
	}
	return p.print(loginState{caller.Workspace, caller.Subject, caller.ExpiresAt},
		func(w io.Writer) {
			fmt.Fprintf(w, "signed in to %s until %s\n", caller.Workspace, p.when(caller.ExpiresAt))
		})
}
