package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/evidence"
	"github.com/nsc-federation/nsc/internal/failure"
)

type tailOptions struct {
	lines   int64
	kinds   []string
	subject string
	once    bool
}

// tailEvery is how often the log is asked for more.
const tailEvery = time.Second

func (p *program) auditTailCommand() *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use: "tail", Short: "Show events as they happen", Args: noArguments,
		Long: "Show the last events of the workspace's log, and then each new one within seconds, until it is interrupted. With -o json each event is a line of JSON.",
		Example: `nsc audit tail
nsc audit tail --kind token.refused -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.auditTail(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.Int64VarP(&o.lines, "lines", "n", 10, "begin with this `number` of events before now")
	flags.StringArrayVar(&o.kinds, "kind", nil, "only this `kind` of event; may repeat")
	flags.StringVar(&o.subject, "subject", "", "only what this `subject` did, whole or as it is shown")
	flags.BoolVar(&o.once, "once", false, "do not wait for more")
	return cmd
}

func (p *program) auditTail(ctx context.Context, o tailOptions) error {
	if o.lines < 0 {
		return failure.Misuse("--lines is negative", "use 0 to begin with what happens next")
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	o.subject = longSubject(o.subject, s.subjectPrefix())
	log, err := s.client.Log(ctx, s.workspace, s.bearer)
	if err != nil {
		return err
	}
	next := max(0, log.Size-o.lines)
	for {
		lines, err := s.client.LogEntries(ctx, s.workspace, s.bearer, next, pageOfLog)
		if err != nil {
			return ended(ctx, err)
		}
		for _, l := range lines {
			if err := p.writeTail(o, l); err != nil {
				return err
			}
		}
		next += int64(len(lines))
		switch {
		case len(lines) > 0:
			continue
		case o.once:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tailEvery):
		}
	}
}

// ended is how a command ends that runs until it is interrupted.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (p *program) writeTail(o tailOptions, l evidence.Line) error {
	if l.Erased {
		return nil
	}
	e, err := api.LoggedEvent(l.Event)
	if err != nil {
		return fmt.Errorf("event %d of the log cannot be read: %w", l.Index, err)
	}
	if len(o.kinds) > 0 && !slices.Contains(o.kinds, e.Kind) || o.subject != "" && e.Subject != o.subject {
		return nil
	}
	if p.flags.output == formatJSON {
		text, err := json.Marshal(e)
		if err == nil {
			_, err = fmt.Fprintf(p.stdout, "%s\n", text)
		}
		return err
	}
	who := shortSubject(e.Subject, workspacePrefix(e.WorkspaceID))
	_, err = fmt.Fprintf(p.stdout, "%s  %-14s  %s  %s\n", e.Time.Local().Format(time.DateTime), e.Kind, dash(shown(who)), shown(story(e)))
	return err
}
