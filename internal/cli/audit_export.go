package cli

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/cli/ocsf"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/failure"
)

type exportOptions struct {
	from   int64
	format string
}

// The formats of an export.
const (
	formatLines = "jsonl"
	formatOCSF  = "ocsf"
)

func (p *program) auditExportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use: "export", Short: "Print the workspace's record as it can be verified elsewhere", Args: noArguments,
		Long: "Print the workspace's log up to its newest checkpoint, as JSON lines: a header with the checkpoint and those that witnesses cosigned last, and then each event with what its leaf in the Merkle tree was made of. nsc audit verify verifies it offline. With --format ocsf print the events in the words of the Open Cybersecurity Schema Framework instead, for systems that collect them.",
		Example: `nsc audit export > prod.jsonl
nsc audit export --from 120000 > prod-later.jsonl
nsc audit export --format ocsf > prod.ocsf.jsonl`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.auditExport(cmd.Context(), o) },
	}
	cmd.Flags().Int64Var(&o.from, "from", 0, "`index` of the first event")
	cmd.Flags().StringVar(&o.format, "format", formatLines, "`format`: jsonl, which can be verified, or ocsf")
	complete(cmd, "format", formatLines, formatOCSF)
	return cmd
}

func (p *program) auditExport(ctx context.Context, o exportOptions) error {
	if o.from < 0 {
		return failure.Misuse("--from is negative", "the first event of a log is 0")
	}
	write, ok := map[string]exporter{formatLines: (*program).export, formatOCSF: (*program).exportOCSF}[o.format]
	if !ok {
		sentence, _ := meant(o.format, "", []string{formatLines, formatOCSF})
		return failure.Misuse(fmt.Sprintf("there is no export format %q%s", o.format, sentence), "use --format jsonl or --format ocsf")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	log, err := s.client.Log(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	switch {
	case log.Checkpoint == "":
		return failure.New(failure.Failed, "the log has no checkpoint yet", "try again in a few seconds; if it stays so, the server's log says why")
	case o.from > log.SignedSize:
		return failure.New(failure.Failed, fmt.Sprintf("the log's checkpoint is of %d events, so there is none from %d on", log.SignedSize, o.from), "give an earlier --from")
	}
	if err := write(p, ctx, s, log, o.from); err != nil {
		return err
	}
	p.say("exported events %d to %d of %s", o.from, log.SignedSize-1, log.Origin)
	return nil
}

// exporter writes the events from an index on in some format.
type exporter func(p *program, ctx context.Context, s session, log api.Log, from int64) error

// export writes a header and the events up to the checkpoint.
func (p *program) export(ctx context.Context, s session, log api.Log, from int64) error {
	header, err := exportHeader(ctx, s, log, from)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(p.stdout)
	if err := evidence.Write(w, header); err != nil {
		return err
	}
	err = s.eachLogged(ctx, from, log.SignedSize, func(l evidence.Line) error { return evidence.Write(w, l) })
	if err != nil {
		return err
	}
	return w.Flush()
}

// exportOCSF writes each event in the words of OCSF. Of erased ones there is nothing to say.
func (p *program) exportOCSF(ctx context.Context, s session, log api.Log, from int64) error {
	ws, err := s.client.Workspace(ctx, s.workspace)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(p.stdout)
	err = s.eachLogged(ctx, from, log.SignedSize, func(l evidence.Line) error {
		if l.Erased {
			return nil
		}
		e, err := api.LoggedEvent(l.Event)
		if err != nil {
			return fmt.Errorf("event %d of the log cannot be read: %w", l.Index, err)
		}
		return evidence.Write(w, ocsf.Of(e, ws.Issuer, l.Index, l.Event))
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

func exportHeader(ctx context.Context, s session, log api.Log, from int64) (evidence.Header, error) {
	ws, err := s.client.Workspace(ctx, s.workspace)
	if err != nil {
		return evidence.Header{}, err
	}
	before, err := s.client.LogFrontier(ctx, s.workspace, s.bearer, from)
	return evidence.Header{
		Format: evidence.Format, Version: evidence.Version, Workspace: ws.Name, WorkspaceID: ws.ID, Issuer: ws.Issuer,
		VerifierKey: log.VerifierKey, From: from, To: log.SignedSize, Before: before, Checkpoint: log.Checkpoint,
		Cosigned: log.Cosigned,
	}, err
}

const pageOfLog = 1000

// eachLogged calls a function for each event of the workspace's log between two indexes.
func (s session) eachLogged(ctx context.Context, from, to int64, do func(evidence.Line) error) error {
	for from < to {
		lines, err := s.client.LogEntries(ctx, s.workspace, s.bearer, from, int(min(pageOfLog, to-from)))
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			return failure.New(failure.Failed, fmt.Sprintf("the server's log ends before event %d, which its checkpoint covers", from),
				"something is wrong with the server's database: tell its operators")
		}
		for _, l := range lines {
			if err := do(l); err != nil {
				return err
			}
		}
		from += int64(len(lines))
	}
	return nil
}
