package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/cli/inspect"
	"github.com/nsc-federation/nsc/internal/failure"
)

type inspectOptions struct {
	token   tokenFlags
	offline bool
}

func (p *program) inspectCommand() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use: "inspect [TOKEN | -]", Short: "Take a token apart and say what is wrong with it",
		Long: `Show what is in a JWT, whoever issued it, and say in words why it would be refused. The signature is checked with the keys that the token's issuer publishes, unless --offline. Without a token it is the one that you are signed in with.

Exits with 1 where something is wrong with the token, and with 4 where the issuer's keys could not be had, so that nobody takes for good what was not checked. Other users of this machine can see a command line: prefer --token-file.`,
		Example: `nsc auth inspect --token-file /var/run/secrets/tokens/nsc --workspace prod
nsc auth issue-id-token --audience https://your-service.example.com | nsc auth inspect -`,
		Args: atMostOne, Annotations: map[string]string{takesToken: ""},
		RunE: func(cmd *cobra.Command, args []string) error { return p.inspect(cmd.Context(), o, args) },
	}
	o.token.bind(cmd)
	cmd.Flags().BoolVar(&o.offline, "offline", false, "do not fetch the issuer's keys: leave the signature unchecked")
	return cmd
}

func (p *program) inspect(ctx context.Context, o inspectOptions, args []string) error {
	if len(args) == 1 {
		if o.token.given() {
			return failure.Misuse("a token is given as an argument and by a flag", "give one of them")
		}
		o.token.token = args[0]
	}
	text, err := p.inspected(o.token)
	if err != nil {
		return err
	}
	report := inspect.Token(text, p.expectation())
	if err := p.checkSignature(ctx, report, text, o.offline); err != nil {
		return err
	}
	if err := p.print(report, func(w io.Writer) { p.writeReport(w, report) }); err != nil {
		return err
	}
	switch {
	case len(report.Problems) > 0:
		return failure.Silent
	case report.Signature.Status == inspect.Unchecked && !o.offline:
		return failure.New(failure.Unreachable, "the signature was not checked: "+report.Signature.Reason,
			"nothing else is wrong with the token; where that is enough to know, say --offline")
	}
	return nil
}

func (p *program) inspected(flags tokenFlags) (string, error) {
	if flags.given() {
		return flags.read(p.stdin)
	}
	c, err := p.store.Find(p.flags.keychain, p.workspaceName())
	if err != nil {
		return "", failure.Wrap(failure.From(err).Status, err, "no token is given, and there is no sign-in to look at: "+failure.From(err).What,
			"give a token: nsc auth inspect --token-file FILE")
	}
	p.say("this is your sign-in, from %s", c.Path)
	return c.BearerToken, nil
}

// expectation is the workspace that the token is probably meant for: the one that was named, or that one is signed in to.
func (p *program) expectation() inspect.Expectation {
	want := inspect.Expectation{Now: p.now(), Relative: p.relative, Insist: p.flags.workspace != ""}
	base, workspace := p.serverURL(), p.workspaceName()
	if c, err := p.store.Find(p.flags.keychain, workspace); err == nil {
		base, workspace = firstOf(base, c.Base), firstOf(workspace, c.Workspace)
	}
	if base = strings.TrimRight(firstOf(base, defaultURL), "/"); workspace != "" {
		want.Issuer = base + "/w/" + workspace
	}
	return want
}

func (p *program) checkSignature(ctx context.Context, report *inspect.Report, text string, offline bool) error {
	if offline {
		report.Skip("--offline")
		return nil
	}
	if report.Claims == nil {
		report.Skip("the token cannot be read")
		return nil
	}
	roots, err := api.Roots(p.caFile())
	if err != nil {
		return err
	}
	report.Verify(ctx, text, inspect.Fetcher(roots, "nsc/"+thisVersion().Version))
	return nil
}

func (p *program) writeReport(w io.Writer, r *inspect.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	p.writeObject(t, "Header", r.Header)
	p.writeObject(t, "Claims", r.Claims)
	t.Flush()
	fmt.Fprintf(w, "Signature\n  %s\n", shown(signatureLine(r.Signature)))
	for _, n := range r.Notes {
		fmt.Fprintf(w, "Note\n  %s\n", shown(n))
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(w, "Wrong")
	}
	for _, problem := range r.Problems {
		fmt.Fprintf(w, "  %s\n", shown(problem.Text))
		if problem.Todo != "" {
			fmt.Fprintf(w, "    %s\n", shown(problem.Todo))
		}
	}
}

func (p *program) writeObject(w io.Writer, title string, object json.RawMessage) {
	members := inspect.Members(object)
	if len(members) == 0 {
		return
	}
	fmt.Fprintln(w, title)
	for _, m := range members {
		fmt.Fprintf(w, "  %s\t%s\n", shown(m.Name), p.claim(m))
	}
}

// claim writes the value of a claim: texts without quotes, dates as dates.
func (p *program) claim(m inspect.Member) string {
	var text string
	var seconds float64
	switch {
	case json.Unmarshal(m.Value, &text) == nil:
		return shown(text)
	case isDate(m.Name) && json.Unmarshal(m.Value, &seconds) == nil && seconds > 0 && seconds < 1<<38:
		return string(m.Value) + "  " + p.when(time.Unix(int64(seconds), 0))
	}
	return shown(string(m.Value))
}

func isDate(name string) bool {
	switch name {
	case "exp", "nbf", "iat", "auth_time", "root_iat":
		return true
	}
	return false
}

func signatureLine(s inspect.Signature) string {
	switch s.Status {
	case inspect.Valid:
		return fmt.Sprintf("valid, by key %s of %s", firstOf(s.KeyID, "(without an ID)"), s.JWKS)
	case inspect.Invalid:
		return "INVALID: " + s.Reason
	}
	return "not checked: " + s.Reason
}
