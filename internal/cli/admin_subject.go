package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/server"
)

func (p *program) subjectCommand() *cobra.Command {
	return p.group("subject", "What the record holds of one person or workload",
		"Find, export or erase what the record says of one subject of a workspace: events that it caused, tokens that it got or acted in, and events that name it. An erased event leaves its place and its hash in the log, which can be verified as before.",
		`nsc admin subject find workspace/agolopjsdawfniaebnoh7uduj4/user/agolopkfub2kttakbixrwswhx4
nsc admin subject export "$SUBJECT" > record-of-subject.jsonl
nsc admin subject erase "$SUBJECT" --yes`,
		p.subjectAction(server.FindSubject, "Count what the record says of a subject", "Count the events that say anything of the subject, by kind."),
		p.subjectAction(server.ExportSubject, "Print what the record says of a subject", "Print the events that say anything of the subject, a line of JSON each."),
		p.subjectAction(server.EraseSubject, "Erase what the record says of a subject",
			"Erase the events that say anything of the subject. That cannot be undone. Their hashes stay in the log, and what was erased is counted when it is verified. Introspection of tokens that were issued to it for other systems says that they are not active from then on. What it may still do is not changed: nsc cutoff does that."),
	)
}

func (p *program) subjectAction(action, short, long string) *cobra.Command {
	var f configFlags
	var yes bool
	cmd := &cobra.Command{
		Use: action + " SUBJECT", Short: short, Long: long, Args: oneArgument,
		Example: `nsc admin subject ` + action + ` workspace/agolopjsdawfniaebnoh7uduj4/user/agolopkfub2kttakbixrwswhx4`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.subject(cmd.Context(), cmd, f, server.SubjectRequest{Action: action, Subject: args[0]}, yes)
		},
	}
	f.bind(cmd)
	if action == server.EraseSubject {
		cmd.Flags().BoolVar(&yes, "yes", false, "yes: erase it")
		cmd.Example += " --yes"
	}
	return cmd
}

func (p *program) subject(ctx context.Context, cmd *cobra.Command, f configFlags, req server.SubjectRequest, yes bool) error {
	c, err := p.checked(cmd, f)
	if err != nil {
		return err
	}
	if req.Action == server.EraseSubject && !yes {
		return missingFlag("--yes", "what is erased does not come back; look at it first with nsc admin subject find, then say --yes")
	}
	result, err := server.Subject(ctx, c, req, p.stdout)
	if err != nil {
		return adminFailure(err, "nothing was done", "run it on the server's machine, as the user that the server runs as, with the server's --data-dir")
	}
	if req.Action == server.ExportSubject {
		p.say("%d events of %s", result.Events, result.Workspace)
		return nil
	}
	return p.print(result, func(w io.Writer) {
		if result.Erased {
			fmt.Fprintf(w, "erased %d events and %d refusals of %s\n", result.Events, result.Refusals, result.Workspace)
			return
		}
		describe(w, []field{
			{"Subject", shown(result.Subject)},
			{"Workspace", result.Workspace},
			{"Events", fmt.Sprint(result.Events)},
			{"Kinds", kindLines(result.Kinds)},
			{"Refusals", fmt.Sprint(result.Refusals)},
		})
	})
}

func kindLines(kinds map[string]int) string {
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		lines = append(lines, fmt.Sprintf("%s: %d", kind, kinds[kind]))
	}
	return strings.Join(lines, "\n")
}
