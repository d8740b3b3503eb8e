package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

type tryOptions struct {
	token    tokenFlags
	claims   string
	audience string
	scopes   []string
	trust    string
}

func (p *program) trustTestCommand() *cobra.Command {
	var o tryOptions
	cmd := &cobra.Command{
		Use: "test (--token-file FILE | --claims FILE)", Short: "Try an exchange without one", Args: noArguments,
		Long: `Say what an exchange would answer and why, without one: nothing is recorded, used up or issued. A token is verified as an exchange verifies it; of claims, a JSON object such as a token's payload, it is only decided. Fails where no token would be issued.`,
		Example: `nsc auth trust-relationships test --token-file job.jwt --audience https://api.example.com
nsc auth trust-relationships test --claims claims.json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustTest(cmd.Context(), o) },
	}
	o.token.bind(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.claims, "claims", "", "JSON `file` of claims, - for standard input")
	flags.StringVar(&o.audience, "audience", "", "`audience` that an ID token would be asked for (default: an access token for the workspace)")
	flags.StringArrayVar(&o.scopes, "scope", nil, "`scope` that would narrow it, as type:action; may repeat")
	flags.StringVar(&o.trust, "trust", "", "`ID` of the one trust relationship to use (default: all that match)")
	return cmd
}

func (p *program) trustTest(ctx context.Context, o tryOptions) error {
	trial, err := p.trial(o)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	tried, err := s.client.Try(ctx, s.workspace, s.bearer, trial)
	if err != nil {
		return err
	}
	if err := p.print(tried, func(w io.Writer) { p.writeTried(w, tried) }); err != nil {
		return err
	}
	if tried.Decision == nil || !tried.Decision.Granted {
		return failure.Silent
	}
	return nil
}

func (p *program) trial(o tryOptions) (api.Trial, error) {
	t := api.Trial{Audience: o.audience, Scope: o.scopes, Trust: o.trust}
	if o.audience != "" {
		t.TokenType = "id_token"
	}
	switch {
	case o.token.given() && o.claims != "":
		return t, failure.Misuse("a token and --claims are both given", "give one of them")
	case o.claims != "":
		text, err := p.readClaims(o.claims)
		t.Claims = text
		return t, err
	case !o.token.given():
		return t, missingFlag("the token", "give it: --token-file FILE, or what it would say: --claims FILE")
	}
	var err error
	t.Token, err = o.token.read(p.stdin)
	return t, err
}

func (p *program) readClaims(file string) (json.RawMessage, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(io.LimitReader(p.stdin, maxToken))
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, failure.Wrap(failure.Misused, err, "the claims cannot be read: "+err.Error(), "have --claims name a JSON file")
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, failure.Wrap(failure.Misused, err, file+" is not a JSON object of claims", `write it as {"iss": "https://…", "sub": "…", "aud": "…"}`)
	}
	return text, nil
}

func (p *program) writeTried(w io.Writer, t api.Tried) {
	if t.Decision == nil {
		describe(w, []field{{"Outcome", "refused: " + t.Code}, {"Because", cut(t.Summary)}, {"Hint", cut(strings.Join(t.Advice, "; "))}})
		return
	}
	p.writeDecision(w, *t.Decision)
	for _, advice := range t.Advice {
		fmt.Fprintf(w, "\nHint: %s\n", cut(advice))
	}
}
