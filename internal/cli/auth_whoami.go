package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

func (p *program) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "Say who you are signed in as, and what you may do", Args: noArguments,
		Example: `nsc auth whoami
nsc auth whoami --workspace prod -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.whoami(cmd.Context()) },
	}
}

func (p *program) whoami(ctx context.Context) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	caller, err := s.client.WhoAmI(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	client := caller.ClientID
	if client == caller.Subject {
		client = "" // nobody stands between
	}
	return p.print(caller, func(w io.Writer) {
		describe(w, []field{
			{"Subject", shown(caller.Subject)},
			{"Acting", shown(strings.Join(caller.Act, ", acting for it before: "))},
			{"Workspace", caller.Workspace + " (" + caller.WorkspaceID + ")"},
			{"Issuer", shown(caller.Issuer)},
			{"Until", p.when(caller.ExpiresAt)},
			{"Client", shown(client)},
			{"Groups", shown(strings.Join(caller.Groups, ", "))},
			{"Grants", grantLines(caller.Grants)},
			{"Sign-in", s.origin.Path},
		})
	})
}

// grantLines writes grants for people, one a line: the type, the resource, the actions.
func grantLines(grants []api.Grant) string {
	if len(grants) == 0 {
		return "none"
	}
	var lines []string
	for _, g := range grants {
		lines = append(lines, shown(g.ResourceType+" "+g.ResourceID+": "+strings.Join(g.Actions, ", ")))
	}
	return strings.Join(lines, "\n")
}
