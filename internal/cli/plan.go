package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/credentials"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/manifest"
)

// manifestFlags name the files that declare trusts, and what is to become of what they declare no longer.
type manifestFlags struct {
	file  string
	prune bool
}

func (f *manifestFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "`file` that declares trusts, or a folder of such files (*.yaml, *.yml)")
	cmd.Flags().BoolVar(&f.prune, "prune", false, "remove what this manifest applied before and declares no longer")
}

func (f manifestFlags) load() (manifest.File, error) {
	if f.file == "" {
		return manifest.File{}, missingFlag("--file", "name a file or a folder: -f federation.yaml; nsc export writes one of what there is")
	}
	loaded, err := manifest.Load(f.file)
	if err != nil {
		return loaded, failure.Wrap(failure.Misused, err, err.Error(), "the format is in docs/guide/files.md; nsc plan --schema prints its JSON Schema")
	}
	return loaded, nil
}

func (p *program) planCommand() *cobra.Command {
	var f manifestFlags
	var check, schema bool
	cmd := &cobra.Command{
		Use: "plan -f FILE", Short: "Show what applying a file would change", Args: noArguments,
		Long: `Compare the trust relationships that a file declares with those of the server, and show what nsc apply would change. Changes nothing.

A file owns what it applied before, and nothing else: trust relationships that were made by hand or by other files are not touched.`,
		Example: `nsc plan -f federation.yaml
nsc plan -f federation/ --prune --check
nsc plan --schema > federation.schema.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				return p.printSchema()
			}
			return p.plan(cmd.Context(), f, check)
		},
	}
	f.bind(cmd)
	cmd.Flags().BoolVar(&check, "check", false, "end with exit status 1 where there is anything to do")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the format, for editors, and do nothing else")
	return cmd
}

func (p *program) printSchema() error {
	text, err := manifest.Schema()
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(text)
	return err
}

func (p *program) plan(ctx context.Context, f manifestFlags, check bool) error {
	plans, err := p.plans(ctx, f)
	if err != nil {
		return err
	}
	if err := p.printPlans(plans); err != nil {
		return err
	}
	if check && todo(plans) > 0 {
		return failure.Silent
	}
	return nil
}

// workspacePlan is what is to be done in one workspace.
type workspacePlan struct {
	name    string
	create  bool // there is none of the name yet
	session session
	changes []manifest.Change
	done    int // how many of the changes were made
}

// todo returns how many changes are to be made.
func todo(plans []*workspacePlan) int {
	n := 0
	for _, w := range plans {
		if w.create {
			n++
		}
		for _, c := range w.changes {
			if c.Action != manifest.Keep {
				n++
			}
		}
	}
	return n
}

// plans compares what the files declare with what there is, in every workspace that they name, or in the one of --workspace.
func (p *program) plans(ctx context.Context, f manifestFlags) ([]*workspacePlan, error) {
	file, err := f.load()
	if err != nil {
		return nil, err
	}
	var plans []*workspacePlan
	for _, w := range file.Workspaces {
		if p.flags.workspace != "" && p.flags.workspace != w.Name {
			continue
		}
		plan, err := p.planWorkspace(ctx, file, w, f.prune)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	if len(plans) == 0 && p.flags.workspace != "" {
		return nil, failure.Misuse("the file declares nothing of workspace "+p.flags.workspace, "leave out --workspace, or name one that it declares")
	}
	return plans, nil
}

func (p *program) planWorkspace(ctx context.Context, file manifest.File, w manifest.Workspace, prune bool) (*workspacePlan, error) {
	plan := &workspacePlan{name: w.Name}
	var present []api.Trust
	there, err := p.lookUp(ctx, w.Name)
	switch {
	case err != nil:
		return nil, err
	case there.ID == "":
		plan.create = true
	default:
		if plan.session, err = p.sessionIn(ctx, w.Name); err != nil {
			return nil, err
		}
		if present, err = plan.session.client.Trusts(ctx, w.Name, plan.session.bearer); err != nil {
			return nil, err
		}
	}
	tenant := manifest.Tenant{ID: there.ID, Name: w.Name, Issuer: there.Issuer}
	if plan.changes, err = file.Plan(w, tenant, kept(present...), prune); err != nil {
		return nil, failure.Wrap(failure.Misused, err, err.Error(), "correct the file; nothing was changed")
	}
	return plan, nil
}

// lookUp returns a workspace; one that does not exist has the issuer that it will have, and no ID.
func (p *program) lookUp(ctx context.Context, name string) (api.Workspace, error) {
	origin, err := p.signedIn(ctx, name)
	if err != nil {
		return api.Workspace{}, err
	}
	if err := credentials.CheckName(name); err != nil {
		return api.Workspace{}, failure.Misuse(fmt.Sprintf("%q is not the name of a workspace", name), "a name %v", err)
	}
	client, err := p.client(origin.Base)
	if err != nil {
		return api.Workspace{}, err
	}
	w, err := client.Workspace(ctx, name)
	if refusedWith(err, "not_found") {
		return api.Workspace{Name: name, Issuer: origin.Base + "/w/" + name}, nil
	}
	return w, err
}
