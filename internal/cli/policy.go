package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/assertion"
	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/identity"
)

func (p *program) policyCommand() *cobra.Command {
	return p.group("policy", "Test whom a workspace trusts",
		"Files of assertions say whose tokens must be allowed and whose denied. They belong beside the code that they are about, and into its CI.",
		"nsc policy test policy.yaml",
		p.policyTestCommand(),
	)
}

func (p *program) policyTestCommand() *cobra.Command {
	var junit string
	cmd := &cobra.Command{
		Use: "test FILE...", Short: "Run files of assertions", Args: atLeastOne,
		Long: `Run files of assertions: claims that must be allowed or denied. A file with trust relationships of its own is decided here, without a server or a sign-in; one without is decided by the workspace, as nsc auth trust-relationships test does. Nothing is recorded or issued.

Prints a line for each case, and for one that fails what is not as it should be. Fails where a case does.`,
		Example: `nsc policy test policy.yaml
nsc policy test policies/*.yaml --junit report.xml`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.policyTest(cmd.Context(), args, junit) },
	}
	cmd.Flags().StringVar(&junit, "junit", "", "also write a report in JUnit's XML to this `file`")
	return cmd
}

// atLeastOne wants an argument.
func atLeastOne(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return oneArgument(cmd, args)
	}
	return nil
}

// decide decides a case.
type decide func(c assertion.Case) (assertion.Outcome, error)

func (p *program) policyTest(ctx context.Context, files []string, junit string) error {
	reports := []assertion.Report{}
	for _, file := range files { // all are read before the first is run
		f, err := p.readAssertions(file)
		if err != nil {
			return err
		}
		reports = append(reports, assertion.Report{File: file, Source: f})
	}
	failed := 0
	for i := range reports {
		run, err := p.decider(ctx, reports[i].Source)
		if err != nil {
			return inFile(err, reports[i].File)
		}
		if err := reports[i].Run(run); err != nil {
			return err
		}
		failed += reports[i].Failed()
	}
	if err := p.writeReports(reports, junit); err != nil {
		return err
	}
	if failed > 0 {
		return failure.Silent
	}
	return nil
}

func (p *program) readAssertions(name string) (assertion.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return assertion.File{}, failure.Wrap(failure.Misused, err, "the assertions cannot be read: "+err.Error(), "name files of assertions: nsc policy test FILE...")
	}
	defer file.Close()
	f, err := assertion.Parse(file)
	return f, inFile(err, name)
}

// inFile says which file cannot be used; what a server says stays as it is.
func inFile(err error, name string) error {
	var f *failure.Failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	problem, _, _ := strings.Cut(err.Error(), "\n")
	return failure.Wrap(failure.Misused, err, name+": "+shown(problem), "what a file may say: docs/guide/explain.md, or nsc policy test --help")
}

// decider decides by the file's own trusts, or asks the workspace.
func (p *program) decider(ctx context.Context, f assertion.File) (decide, error) {
	if len(f.Trusts) > 0 {
		offline, err := assertion.NewOffline(f)
		return func(c assertion.Case) (assertion.Outcome, error) { return offline.Decide(c, p.now()) }, err
	}
	s, err := p.session(ctx)
	if err != nil {
		return nil, err
	}
	return func(c assertion.Case) (assertion.Outcome, error) { return s.decide(ctx, c) }, nil
}

// decide asks the workspace.
func (s session) decide(ctx context.Context, c assertion.Case) (assertion.Outcome, error) {
	document, err := c.Document(s.client.Base() + "/w/" + s.workspace)
	if err != nil {
		return assertion.Outcome{}, err
	}
	tried, err := s.client.Try(ctx, s.workspace, s.bearer, api.Trial{Claims: document, TokenType: c.Type(), Audience: c.Audience, Scope: c.Scope})
	if err != nil || tried.Decision == nil {
		return assertion.Outcome{}, err
	}
	return outcomeOf(*tried.Decision), nil
}

func outcomeOf(d api.Decision) assertion.Outcome {
	out := assertion.Outcome{Granted: d.Granted, Reason: d.Reason, Groups: d.Groups}
	for _, g := range d.Grants {
		out.Grants = append(out.Grants, identity.Permission(g))
	}
	for i, f := range d.Trusts {
		if f.Matches {
			out.Trusts = append(out.Trusts, f.ID)
		}
		for _, failure := range f.Failures {
			if i == 0 {
				out.Nearest = append(out.Nearest, assertion.Nearest(f.ID, failure.Clause, failure.Expected, failure.Actual))
			}
		}
	}
	return out
}

func (p *program) writeReports(reports []assertion.Report, junit string) error {
	if junit != "" {
		text, err := assertion.JUnit(reports)
		if err == nil {
			err = os.WriteFile(junit, text, 0o644)
		}
		if err != nil {
			return failure.Wrap(failure.Failed, err, "the report cannot be written: "+err.Error(), "have --junit name a file in a folder that you may write to")
		}
	}
	return p.print(reports, func(w io.Writer) {
		passed, failed := 0, 0
		for _, r := range reports {
			for _, result := range r.Results {
				writeResult(w, r.File, result)
			}
			failed += r.Failed()
			passed += len(r.Results) - r.Failed()
		}
		fmt.Fprintf(w, "%d passed, %d failed\n", passed, failed)
	})
}

func writeResult(w io.Writer, file string, r assertion.Result) {
	verdict := "ok  "
	if !r.Passed {
		verdict = "FAIL"
	}
	fmt.Fprintf(w, "%s %s: %s\n", verdict, file, cut(r.Case))
	for _, line := range r.Differs {
		fmt.Fprintf(w, "       %s\n", shown(line))
	}
}
