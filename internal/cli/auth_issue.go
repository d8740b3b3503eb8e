package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// signingAlgorithms are those that workspaces sign with.
var signingAlgorithms = []string{"ES256", "RS256", "EdDSA"}

type issueOptions struct {
	audience  string
	algorithm string
	duration  duration
}

func (p *program) issueIDTokenCommand() *cobra.Command {
	var o issueOptions
	cmd := &cobra.Command{
		Use: "issue-id-token --audience AUDIENCE", Short: "Issue an ID token that another system trusts",
		Long: `Issue an ID token for an audience, signed by the workspace. It prints the bare token and a newline, nothing else.

The audience is whatever the other system expects: its URL, or a name such as sts.amazonaws.com. You need the grant to issue for it.`,
		Example: `export ID_TOKEN=$(nsc auth issue-id-token --audience https://your-service.example.com)
curl -H "Authorization: Bearer $ID_TOKEN" https://your-service.example.com/api/resource`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.issueIDToken(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.audience, "audience", "", "`audience` that the token is for")
	cmd.Flags().StringVar(&o.algorithm, "alg", "", "signature `algorithm`: ES256, RS256 or EdDSA (default: what the audience needs)")
	cmd.Flags().Var(&o.duration, "duration", "how long the token is good for, at most 1h (default 5m)")
	complete(cmd, "alg", signingAlgorithms...)
	return cmd
}

// issuedToken is what issue-id-token prints as JSON.
type issuedToken struct {
	IDToken   string    `json:"id_token"`
	Audience  string    `json:"audience"`
	Workspace string    `json:"workspace"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (p *program) issueIDToken(ctx context.Context, o issueOptions) error {
	if o.audience == "" {
		return missingFlag("--audience", "say whom the token is for: nsc auth issue-id-token --audience https://your-service.example.com")
	}
	algorithm, err := checkAlgorithm(o.algorithm)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	answer, err := s.client.IssueIDToken(ctx, s.workspace, api.IDTokenRequest{
		Bearer: s.bearer, Audience: o.audience, Algorithm: algorithm, Duration: time.Duration(o.duration),
	})
	if err != nil {
		return audienceFailure(err, o.audience)
	}
	return p.print(issuedToken{
		answer.AccessToken, o.audience, s.workspace, p.fromNow(answer.Lifetime()).UTC().Truncate(time.Second),
	}, func(w io.Writer) { fmt.Fprintln(w, answer.AccessToken) })
}

// audienceFailure says which grant the caller lacks.
func audienceFailure(err error, audience string) error {
	if !refusedWith(err, "invalid_target") {
		return err
	}
	return failure.Wrap(failure.Refused, err, err.Error(), fmt.Sprintf(
		`ask an administrator for the grant {"resource_type":"audience","resource_id":%q,"actions":["issue"]}`, audience))
}

// checkAlgorithm returns the name of an algorithm in its own spelling; "" leaves the choice to the server.
func checkAlgorithm(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	for _, known := range signingAlgorithms {
		if strings.EqualFold(name, known) {
			return known, nil
		}
	}
	return "", failure.Misuse(fmt.Sprintf("no workspace signs with %q", name), "use --alg ES256, RS256 or EdDSA")
}
