package cli

import (
	"context"
	"fmt"
	"github.com/spf13/cobra"
	"io"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) auditCommand() *cobra.Command {
	return p.group("audit", "Search, export and verify the record of what happened",
		"Everything that a workspace does is on its record: each token issued, each change of a trust relationship or a key, each refusal of a token whose signature verified.",
		"nsc audit search --since 1h --kind token.issued",
		p.auditSearchCommand(), p.auditTailCommand(), p.auditLineageCommand(),
		p.auditExportCommand(), p.auditVerifyCommand(), p.auditKeyCommand(),
	)
}

type searchOptions struct {
	since, until                string
	kinds                       []string
	id, subject, trust, tokenID string
	limit                       int
	count                       bool
}

func (p *program) auditSearchCommand() *cobra.Command {
	var o searchOptions
	cmd := &cobra.Command{
		Use: "search", Short: "Search the workspace's record, newest first", Args: noArguments,
		Example: `nsc audit search --since 1h
nsc audit search --kind token.issued --subject workspace/gaa6f2hq3x5b7c2d4e6f7g2h3i/user/gaa6f2hq3x5b7c2d4e6f7g2h3j
nsc audit search --id agolopkbxawbssvvgrpr6ygwb4
nsc audit search --since 2026-01-31T00:00:00Z --until 2026-02-01T00:00:00Z --count`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.auditSearch(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.id, "id", "", "`ID` of one event, or of the refusal that a caller was told")
	flags.StringVar(&o.since, "since", "", "events from this `time` on: 2026-01-31T12:00:00Z, or how long ago: 90m, 1d")
	flags.StringVar(&o.until, "until", "", "events before this `time`, written as for --since")
	flags.StringArrayVar(&o.kinds, "kind", nil, "`kind` of event, such as token.issued; may repeat")
	flags.StringVar(&o.subject, "subject", "", "`subject` that did it, whole or as the search shows it")
	flags.StringVar(&o.trust, "trust", "", "`ID` of a trust relationship that contributed, or was written or cut off")
	flags.StringVar(&o.tokenID, "jti", "", "`ID` of the token that it is about")
	flags.IntVar(&o.limit, "limit", 100, "at most this `number` of events; 0 is all")
	flags.BoolVar(&o.count, "count", false, "print only how many events there are, whatever the limit")
	return cmd
}

func (p *program) auditSearch(ctx context.Context, o searchOptions) error {
	search, err := p.search(o)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	search.Subject = longSubject(search.Subject, s.subjectPrefix())
	if o.count {
		count, err := s.client.CountEvents(ctx, s.workspace, s.bearer, search)
		if err != nil {
			return err
		}
		return p.print(map[string]int64{"count": count}, func(w io.Writer) { fmt.Fprintln(w, count) })
	}
	events, more, err := s.client.Events(ctx, s.workspace, s.bearer, search)
	if err != nil {
		return err
	}
	switch {
	case more:
		p.say("these are the newest %d; --limit shows more, 0 all", len(events))
	case len(events) == 0:
		p.say("nothing of the kind is on the record")
	}
	return p.print(events, func(w io.Writer) { writeEvents(w, events) })
}

func (p *program) search(o searchOptions) (api.Search, error) {
	search := api.Search{ID: o.id, Kinds: o.kinds, Subject: o.subject, Trust: o.trust, TokenID: o.tokenID, Limit: o.limit}
	if o.limit < 0 {
		return search, failure.Misuse("--limit is negative", "use 0 for all events")
	}
	var err error
	if search.Since, err = flagMoment("--since", o.since, p.ago); err != nil {
		return search, err
	}
	if search.Until, err = flagMoment("--until", o.until, p.ago); err != nil {
		return search, err
	}
	if !search.Until.IsZero() && !search.Since.Before(search.Until) && !search.Since.IsZero() {
		return search, failure.Misuse("--since is not before --until", "exchange the two")
	}
	return search, nil
}
