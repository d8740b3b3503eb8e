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

func (p *program) auditLineageCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lineage JTI", Short: "Follow a token to where it came from and what became of it", Args: oneArgument,
		Long: "Follow a token by its jti, one of the workspace's or an external one: up to the credential that it began with, and down to the tokens that were derived from it and what was done with them.",
		Example: `nsc audit lineage agolopkbxawbssvvgrpr6ygwb4
nsc audit lineage 3f0c9d5e-8c1b-4f7e-9d53-2b1f7c8e9a10 -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return p.auditLineage(cmd.Context(), args[0]) },
	}
}

func (p *program) auditLineage(ctx context.Context, tokenID string) error {
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	l, err := s.client.Lineage(ctx, s.workspace, s.bearer, tokenID)
	if err != nil {
		return err
	}
	if len(l.Items) == 0 {
		return failure.New(failure.Failed, fmt.Sprintf("no token %s is on the record of %s", tokenID, s.workspace),
			"is it of another workspace (--workspace), or was it erased?")
	}
	if l.Truncated {
		p.warn("there is more than is shown")
	}
	return p.print(l, func(w io.Writer) { writeLineage(w, l, tokenID) })
}

// writeLineage writes a tree: each token below the one that it was issued for.
func writeLineage(w io.Writer, l api.Lineage, tokenID string) {
	if u := l.Origin; u != nil {
		credential := "token " + u.TokenID
		if u.TokenID == "" {
			credential = "sign-in"
		}
		fmt.Fprintln(w, shown(credential+" of "+u.Issuer+", "+u.Subject))
	}
	for _, link := range l.Items {
		e := link.Event
		indent := strings.Repeat("  ", link.Depth+1)
		mark := ""
		if e.Token != nil && e.Token.ID == tokenID {
			mark = "  <- this one"
		}
		who := shortSubject(e.Subject, workspacePrefix(e.WorkspaceID))
		fmt.Fprintln(w, indent+e.Time.Local().Format(time.DateTime)+" "+shown(e.Kind+" "+e.ID+" "+what(e)+", by "+dash(who))+mark)
	}
}

// what says what an event of a lineage is about. Whose credential it was is the line above.
func what(e api.Event) string {
	e.Upstream = nil
	return story(e)
}
