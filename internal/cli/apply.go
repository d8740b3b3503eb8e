package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/manifest"
)

func (p *program) applyCommand() *cobra.Command {
	var f manifestFlags
	var yes bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Make trust relationships as a file declares them", Args: noArguments,
		Long: `Show what would change, as nsc plan does, ask, and change it: updates first, then additions, then removals. A second time there is nothing to do.

Each change is made to the revision that was shown: what somebody else changed in between is not overwritten. Where one change fails, those after it are not tried, and both are listed.`,
		Example: `nsc apply -f federation.yaml
nsc apply -f federation/ --prune --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.apply(cmd.Context(), f, yes) },
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (p *program) apply(ctx context.Context, f manifestFlags, yes bool) error {
	plans, err := p.plans(ctx, f)
	if err != nil {
		return err
	}
	json := p.flags.output == formatJSON // prints one document, what was done, and so cannot show before what it asks for
	if json && !yes {
		return missingFlag("--yes", "with -o json nobody is asked; see what it would change: nsc plan")
	}
	if !json || todo(plans) == 0 {
		if err := p.printPlans(plans); err != nil || todo(plans) == 0 {
			return err
		}
	}
	if !yes {
		if err := p.confirm(); err != nil {
			return err
		}
	}
	err = p.applyAll(ctx, plans)
	if json {
		if err := p.printPlans(plans); err != nil {
			return err
		}
	}
	return err
}

// confirm asks the person at the terminal. Where nobody is there, nobody has said yes.
func (p *program) confirm() error {
	file, ok := p.stdin.(*os.File)
	if !ok || !terminal(file) {
		return missingFlag("--yes", "nobody is there to ask, and nothing was changed; add --yes")
	}
	fmt.Fprint(p.stderr, "Apply these changes? Only yes is taken for it: ")
	line, _ := bufio.NewReader(io.LimitReader(p.stdin, 100)).ReadString('\n') // what cannot be read is no yes
	if strings.TrimSpace(line) != "yes" {
		return failure.New(failure.Failed, "nothing was changed", "")
	}
	return nil
}

func terminal(file *os.File) bool {
	about, err := file.Stat()
	return err == nil && about.Mode()&os.ModeCharDevice != 0
}

// applyAll makes the changes, one after the other, and stops at the first that fails.
func (p *program) applyAll(ctx context.Context, plans []*workspacePlan) error {
	for i, w := range plans {
		err := p.applyWorkspace(ctx, w)
		if err == nil {
			continue
		}
		f := failure.From(err)
		p.notDone(plans[i:])
		return failure.Wrap(f.Status, err, "workspace "+w.name+": "+f.What, "see what is left: nsc plan; what is listed as done stays done")
	}
	return nil
}

// notDone says what was not tried, or not finished.
func (p *program) notDone(plans []*workspacePlan) {
	for _, w := range plans {
		for _, c := range w.changes[w.done:] {
			if c.Action != manifest.Keep {
				p.say("not done: %s %s/%s", c.Action, w.name, c.Name)
			}
		}
	}
}

func (p *program) applyWorkspace(ctx context.Context, w *workspacePlan) error {
	if w.create {
		if err := p.createDeclared(ctx, w); err != nil {
			return err
		}
	}
	moved := map[string]bool{} // issuers whose keys have moved, and with them the revisions of all their trusts
	for w.done < len(w.changes) {
		c := w.changes[w.done]
		if before, _ := c.Issuer(); moved[before] && c.ID != "" && c.Action != manifest.Keep {
			again, err := w.session.client.Trust(ctx, w.name, w.session.bearer, c.ID)
			if err != nil {
				return err
			}
			var same bool
			if c, same = c.Follows(kept(again)[0]); !same {
				return failure.New(failure.Failed, c.Name+" was changed in the meantime", "")
			}
		}
		id, err := applyChange(ctx, w, c)
		if err != nil {
			f := failure.From(err)
			return failure.Wrap(f.Status, err, string(c.Action)+" "+c.Name+": "+f.What, f.Todo)
		}
		if c.MovesKeys() {
			_, after := c.Issuer()
			moved[after] = true
		}
		w.changes[w.done].ID = id
		w.done++
		if past := pastTense[c.Action]; past != "" {
			p.say("%s %s/%s: %s", past, w.name, c.Name, id)
		}
	}
	return nil
}

// createDeclared creates a workspace that there is none of yet. Who applies administers it.
func (p *program) createDeclared(ctx context.Context, w *workspacePlan) error {
	s, err := p.sessionIn(ctx, systemWorkspace)
	if err != nil {
		return err
	}
	owner := api.Owner{Issuer: s.origin.Issuer, Subject: s.origin.Subject}
	if _, err := s.client.CreateWorkspace(ctx, s.bearer, w.name, owner); err != nil {
		return err
	}
	p.say("created workspace %s", w.name)
	w.create = false
	w.session, err = p.sessionIn(ctx, w.name)
	return err
}

// pastTense says what was done.
var pastTense = map[manifest.Action]string{manifest.Add: "added", manifest.Update: "updated", manifest.Remove: "removed"}

// applyChange makes one change, to the revision that it was planned for, and returns the trust's ID.
func applyChange(ctx context.Context, w *workspacePlan, c manifest.Change) (string, error) {
	client, bearer := w.session.client, w.session.bearer
	switch c.Action {
	case manifest.Add:
		t, err := client.AddTrust(ctx, w.name, bearer, declaration(c.Want()))
		return t.ID, err
	case manifest.Update:
		_, err := client.UpdateTrustAt(ctx, w.name, bearer, c.ID, c.Revision, declaration(c.Want()))
		return c.ID, err
	case manifest.Remove:
		return c.ID, client.RemoveTrustAt(ctx, w.name, bearer, c.ID, c.Revision)
	}
	return c.ID, nil
}
