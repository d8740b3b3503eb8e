package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

type replayOptions struct {
	since, until string
	file         string
	update       string
	add          bool
	remove       []string
	terms        trustFlags
}

func (p *program) trustReplayCommand() *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use: "replay --since TIME (--update ID FLAGS | --add FLAGS | --remove ID | --change FILE)", Short: "Say whom a change would let in or shut out", Args: noArguments,
		Long: `Say whom a change of trust relationships would let in and whom it would shut out, by the exchanges of a period. Nothing is changed.

Refusals are decided again on their claims where those were kept. Of what was granted, the record holds the subject and the trust relationships: what does not follow from those, because a new condition needs claims, is counted as "cannot tell", and never guessed.

A file says the same as the flags, and more at once: add, a list of trust relationships; update, a list of id and change; remove, a list of IDs.`,
		Example: `nsc auth trust-relationships replay --since 7d --update gaa6f2hq3x5b7c2d4e6f7g2h3i --subject-match 'repo:acme/app:ref:refs/heads/main'
nsc auth trust-relationships replay --since 7d --remove gaa6f2hq3x5b7c2d4e6f7g2h3i
nsc auth trust-relationships replay --since 2026-01-31 --until 2026-02-01 --change change.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.trustReplay(cmd.Context(), cmd, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.since, "since", "", "exchanges from this `time` on: 2026-01-31T12:00:00Z, or how long ago: 90m, 1d")
	flags.StringVar(&o.until, "until", "", "exchanges before this `time`, written as for --since")
	flags.StringVar(&o.file, "change", "", "YAML or JSON `file` of a change")
	flags.StringVar(&o.update, "update", "", "`ID` of a trust relationship that the other flags would change")
	flags.BoolVar(&o.add, "add", false, "a trust relationship would be added that the other flags say")
	flags.StringArrayVar(&o.remove, "remove", nil, "`ID` of a trust relationship that would be removed; may repeat")
	o.terms.bindTerms(cmd)
	return cmd
}

func (p *program) trustReplay(ctx context.Context, cmd *cobra.Command, o replayOptions) error {
	proposal, err := p.proposal(cmd, o)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	r, err := s.client.Replay(ctx, s.workspace, s.bearer, proposal)
	if err != nil {
		return absent(err, s.workspace+" has no such trust relationship", "see what there is: nsc auth trust-relationships list")
	}
	if r.Incomplete {
		p.warn("there were more exchanges than are shown here; choose a shorter period")
	}
	return p.print(r, func(w io.Writer) { p.writeReplayed(w, r) })
}

func (p *program) proposal(cmd *cobra.Command, o replayOptions) (api.Proposal, error) {
	var proposal api.Proposal
	if o.since == "" {
		return proposal, missingFlag("--since", "say from when on: --since 7d")
	}
	if o.file != "" {
		if err := readProposal(o.file, &proposal); err != nil {
			return proposal, err
		}
	}
	for _, bound := range []struct {
		flag, text string
		to         *string
	}{{"--since", o.since, &proposal.Since}, {"--until", o.until, &proposal.Until}} {
		at, err := flagMoment(bound.flag, bound.text, p.ago)
		if err != nil {
			return proposal, err
		}
		if !at.IsZero() {
			*bound.to = at.UTC().Format(time.RFC3339Nano)
		}
	}
	proposal.Remove = append(proposal.Remove, o.remove...)
	return proposal, o.terms.propose(cmd, o, &proposal)
}

// propose adds to a proposal what the flags of a trust relationship say.
func (f *trustFlags) propose(cmd *cobra.Command, o replayOptions, proposal *api.Proposal) error {
	change, err := f.change(cmd)
	if err != nil {
		return err
	}
	said := change != (api.TrustChange{})
	switch {
	case o.add && o.update != "":
		return failure.Misuse("--add and --update are both given", "give one of them, or say both in a --change FILE")
	case said && !o.add && o.update == "":
		return failure.Misuse("it is not said which trust relationship the flags are about", "say --update ID, or --add")
	case !said && (o.add || o.update != ""):
		return failure.Misuse("there is nothing to change", "%s", seeHelp(cmd))
	case o.add:
		text, err := json.Marshal(change)
		proposal.Add = append(proposal.Add, text)
		return err
	case o.update != "":
		text, err := json.Marshal(api.ProposedUpdate{ID: o.update, Change: change})
		proposal.Update = append(proposal.Update, text)
		return err
	case len(proposal.Add)+len(proposal.Update)+len(proposal.Remove) == 0:
		return failure.Misuse("no change is proposed", "say it: --update ID, --add, --remove ID or --change FILE")
	}
	return nil
}

func readProposal(name string, into *api.Proposal) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return failure.Wrap(failure.Misused, err, "the change cannot be read: "+err.Error(), "have --change name a YAML or JSON file")
	}
	if text, err = yaml.YAMLToJSON(text); err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(into)
	}
	if err != nil {
		problem, _, _ := strings.Cut(err.Error(), "\n")
		return failure.Wrap(failure.Misused, err, name+": "+shown(problem), "write add, update and remove: see nsc auth trust-relationships replay --help")
	}
	return nil
}

var verdicts = []struct{ verdict, heading string }{
	{"let_in", "Would be let in:"}, {"shut_out", "Would be shut out:"}, {"narrowed", "Would get fewer grants:"}, {"cannot_tell", "Cannot tell:"},
}

func (p *program) writeReplayed(w io.Writer, r api.Replayed) {
	counts := map[string]int{}
	for _, party := range r.Parties {
		counts[party.Verdict] += party.Exchanges
	}
	fmt.Fprintf(w, "%d exchanges: %d unchanged, %d let in, %d shut out, %d with fewer grants, %d cannot tell\n",
		r.Exchanges, r.Unchanged, counts["let_in"], counts["shut_out"], counts["narrowed"], counts["cannot_tell"])
	for _, v := range verdicts {
		if counts[v.verdict] == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", v.heading)
		var rows [][]string
		for _, party := range r.Parties {
			if party.Verdict == v.verdict {
				rows = append(rows, []string{
					strconv.Itoa(party.Exchanges), p.relative(party.Last), cut(party.Subject), cut(party.Issuer), dash(cut(party.Audience)), dash(cut(party.Because)),
				})
			}
		}
		table(w, []string{"EXCHANGES", "LAST", "SUBJECT", "ISSUER", "FOR", "BECAUSE"}, rows)
	}
}
