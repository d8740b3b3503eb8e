package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

type delegateOptions struct {
	to       string
	grants   []string
	duration duration
}

func (p *program) delegateCommand() *cobra.Command {
	var o delegateOptions
	cmd := &cobra.Command{
		Use: "delegate --to SUBJECT", Short: "Let somebody else act for you, for a while",
		Long: `Issue a token with which one other subject of the workspace may act for you. It prints the bare token and a newline. Give it to him: he shows it together with a token of his own (nsc auth act-for), and what he gets says that he acts for you.

He gets no more than you have, or than --grant says, and no longer than this token and his own sign-in last. The token is also good by itself for whatever you may do: send it to him alone. Cutting off either of you, or this token, ends it.`,
		Example: `nsc auth delegate --to workspace/agolopjsdawfniaebnoh7uduj4/user/agolopkfub2kttakbixrwswhx4 --duration 10m
nsc auth delegate --to "$SUBJECT" --grant '{"resource_type":"audience","resource_id":"https://ci.example.com","actions":["issue"]}'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.delegate(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.to, "to", "", "`subject` that may act for you, as its own nsc auth whoami shows it")
	cmd.Flags().StringArrayVar(&o.grants, "grant", nil, "what it may use, as `JSON`; may repeat (default: all that you have)")
	cmd.Flags().Var(&o.duration, "duration", "how long the token is good for (default 15m)")
	return cmd
}

// delegatedToken is what delegate prints as JSON.
type delegatedToken struct {
	Token     string    `json:"token"`
	To        string    `json:"to"`
	Workspace string    `json:"workspace"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (p *program) delegate(ctx context.Context, o delegateOptions) error {
	if o.to == "" {
		return missingFlag("--to", "say who may act for you: --to SUBJECT, which is in his nsc auth whoami")
	}
	grants, err := parseGrants(o.grants)
	if err != nil {
		return err
	}
	r := api.DelegateRequest{To: o.to, Duration: time.Duration(o.duration)}
	if grants != nil {
		r.Grants = *grants
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	r.Bearer = s.bearer
	answer, err := s.client.Delegate(ctx, s.workspace, r)
	if err != nil {
		return err
	}
	return p.print(delegatedToken{
		answer.AccessToken, o.to, s.workspace, p.fromNow(answer.Lifetime()).UTC().Truncate(time.Second),
	}, func(w io.Writer) { fmt.Fprintln(w, answer.AccessToken) })
}

type actForOptions struct {
	token    tokenFlags
	saveAs   string
	duration duration
}

func (p *program) actForCommand() *cobra.Command {
	var o actForOptions
	cmd := &cobra.Command{
		Use: "act-for (--token TOKEN | --token-file FILE) --save-as NAME", Short: "Sign in on behalf of who delegated to you",
		Long: `Exchange a token that somebody made for you (nsc auth delegate), together with your own sign-in, for one with which you act for him. It is kept apart from your own sign-in, under a keychain's name: later commands use it with --keychain NAME.`,
		Example: `nsc auth act-for --token-file delegated --save-as alice
nsc auth whoami --keychain alice`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.actFor(cmd.Context(), o) },
	}
	o.token.bind(cmd)
	cmd.Flags().StringVar(&o.saveAs, "save-as", "", "`keychain` to keep the new sign-in in")
	cmd.Flags().Var(&o.duration, "duration", "how long to be signed in (default: as long as both tokens allow)")
	return cmd
}

func (p *program) actFor(ctx context.Context, o actForOptions) error {
	if !o.token.given() {
		return missingFlag("the token", "give what you were sent: --token-file FILE, or --token - to read it from standard input")
	}
	if o.saveAs == "" {
		return missingFlag("--save-as", "name a keychain for the new sign-in, so that it does not replace your own: --save-as NAME")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	path, err := p.store.Path(o.saveAs, s.workspace)
	if err != nil {
		return err
	}
	if err := p.store.CheckTarget(path); err != nil {
		return err
	}
	token, err := o.token.read(p.stdin)
	if err != nil {
		return err
	}
	answer, err := s.client.SignIn(ctx, s.workspace, api.SignInRequest{Token: token, Actor: s.bearer, Duration: time.Duration(o.duration)})
	if err != nil {
		return p.exchangeFailure(err, o.token, token)
	}
	c, err := p.accept(s.client, answer.AccessToken)
	if err != nil {
		return err
	}
	return p.keep(c, answer.WorkspaceID, path)
}
