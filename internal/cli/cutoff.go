package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) cutOffCommand() *cobra.Command {
	var t api.CutOffTarget
	cmd := p.group("cutoff", "Cut off a trust, a token, a key, an issuer or a subject, this second",
		`Once the command has returned, no node of the server issues anything that it forbids, and the server's own uses refuse what was issued before. It prints what it cannot reach: living tokens for other audiences, which others verify by themselves until they expire. With a subject or an issuer, tokens in which he acts for somebody else are among them; with a key, they are those that it signed.

A trust keeps its terms, and a new token may be had by it; a subject and an issuer are also refused new tokens until the cut-off is lifted.`,
		`nsc cutoff --issuer https://token.actions.githubusercontent.com --subject repo:acme/api:ref:refs/heads/main --reason "leaked runner"
nsc cutoff --token agraa5jbae2ln6kc6kn7uqixjm
nsc cutoff --token - < leaked.jwt
nsc cutoff list
nsc cutoff lift agraa5javqfhwfpodrd42i2eky`,
		p.cutOffListCommand(), p.cutOffLiftCommand(),
	)
	cmd.Args = noArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return p.cutOff(cmd.Context(), t) }
	flags := cmd.Flags()
	flags.StringVar(&t.Trust, "trust", "", "`ID` of a trust relationship: end the tokens that rest on it")
	flags.StringVar(&t.Token, "token", "", "`jti` of one token, the whole JWT, or - to read that from standard input")
	flags.StringVar(&t.Key, "key", "", "`ID` of a signing key: remove it at once")
	flags.StringVar(&t.Issuer, "issuer", "", "external issuer's `URL`, byte for byte as its trusts name it, alone or with --subject")
	flags.StringVar(&t.Subject, "subject", "", "`subject`: with --issuer as the issuer names it, alone as nsc does")
	flags.StringVar(&t.Reason, "reason", "", "`words` for those who read the record")
	return cmd
}

func (p *program) cutOff(ctx context.Context, t api.CutOffTarget) error {
	if err := single(t); err != nil {
		return err
	}
	issuer := ""
	if t.Token != "" {
		var err error
		if t.Token, issuer, err = p.tokenID(t.Token); err != nil {
			return err
		}
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	if own := s.origin.Base + "/w/" + s.workspace; issuer != "" && issuer != own {
		return foreignToken(issuer, own)
	}
	result, err := s.client.CutOff(ctx, s.workspace, s.bearer, t)
	if err != nil {
		return absent(err, s.workspace+" has no such thing", "see what there is: nsc auth trust-relationships list, nsc keys list")
	}
	switch {
	case result.Since != nil:
		p.say("cut off already, since %s; nsc cutoff lift %s ends it", p.when(*result.Since), result.ID)
	case result.ID != "":
		p.say("cut off; nsc cutoff lift %s ends it", result.ID)
	default:
		p.say("cut off")
	}
	p.warnings(result.Warnings)
	return p.print(result, func(w io.Writer) {
		why := byThemselves
		if t.Key != "" {
			why = byKey
		}
		p.unreachable(w, result.Unreached, why)
		touched(w, result)
	})
}

// single refuses a cut-off of nothing, and of more than one thing. An issuer and its subject are one.
func single(t api.CutOffTarget) error {
	var given []string
	for _, thing := range []struct{ flag, value string }{
		{"--trust", t.Trust}, {"--token", t.Token}, {"--key", t.Key}, {"--issuer", t.Issuer}, {"--subject", t.Subject},
	} {
		if thing.value != "" {
			given = append(given, thing.flag)
		}
	}
	switch {
	case len(given) == 0:
		return failure.Misuse("nothing is named that could be cut off", "name it: --trust, --token, --key, --subject or --issuer")
	case len(given) > 1 && given[0] != "--issuer":
		return failure.Misuse(given[0]+" and "+given[1]+" are both given", "cut off one thing at a time: --trust, --token, --key, --subject or --issuer, alone or with its --subject")
	}
	return nil
}

// touched names what somebody who was cut off has left behind.
func touched(w io.Writer, result api.CutOffResult) {
	if len(result.Trusts) == 0 {
		return
	}
	fmt.Fprintln(w, "Trust relationships that were created or last changed from there, and stay; look at them:")
	for _, id := range result.Trusts {
		fmt.Fprintln(w, shown(id))
	}
	if result.MoreTrusts {
		fmt.Fprintln(w, "There are more; not all are listed.")
	}
}

// Why a cut-off does not reach what it does not.
const (
	byThemselves = "because others verify them by themselves"
	byKey        = "because others verify them by themselves, until they fetch the keys again"
)

// unreachable says what a cut-off does not reach (rule 23).
func (p *program) unreachable(w io.Writer, result api.Unreached, why string) {
	switch {
	case len(result.Unreachable) == 0 && result.Incomplete:
		fmt.Fprintln(w, "No living tokens were found out of reach, but not all were looked at.")
		return
	case len(result.Unreachable) == 0:
		fmt.Fprintln(w, "No living tokens are out of reach.")
		return
	}
	fmt.Fprintf(w, "Out of reach, %s:\n", why)
	var rows [][]string
	for _, u := range result.Unreachable {
		rows = append(rows, []string{shown(u.Audience), strconv.Itoa(u.Count), p.relative(u.Latest)})
	}
	table(w, []string{"AUDIENCE", "TOKENS", "LAST ENDS"}, rows)
	if result.Incomplete {
		fmt.Fprintln(w, "There may be more: not all were looked at.")
	}
}

func (p *program) cutOffListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the cut-offs that last", Args: noArguments,
		Example: `nsc cutoff list
nsc cutoff list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.cutOffList(cmd.Context()) },
	}
}

func (p *program) cutOffList(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	found, err := s.client.CutOffs(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	return p.print(found, func(w io.Writer) {
		var rows [][]string
		for _, c := range found {
			until := "until lifted"
			if c.ExpiresAt != nil {
				until = p.relative(*c.ExpiresAt)
			}
			rows = append(rows, []string{c.ID, c.Kind, shown(cmp.Or(c.Issuer, c.Value)), until, shown(c.Reason)})
		}
		table(w, []string{"ID", "KIND", "VALUE", "UNTIL", "REASON"}, rows)
	})
}

func (p *program) cutOffLiftCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lift ID", Short: "End a cut-off that lasts", Args: oneArgument,
		Example: `nsc cutoff lift agraa5javqfhwfpodrd42i2eky`,
		RunE:    func(cmd *cobra.Command, args []string) error { return p.cutOffLift(cmd.Context(), args[0]) },
	}
}

func (p *program) cutOffLift(ctx context.Context, id string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	if err := s.client.LiftCutOff(ctx, s.workspace, s.bearer, id); err != nil {
		return absent(err, s.workspace+" has no cut-off "+id, "see what there is: nsc cutoff list")
	}
	p.say("lifted %s; what it forbade and has not expired is valid again", id)
	return nil
}
