package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Action is what a change does.
type Action string

// The actions.
const (
	Add    Action = "add"
	Update Action = "update"
	Remove Action = "remove"
	Keep   Action = "keep" // was applied by this manifest and is declared no longer; without prune it stays
)

// Change is what is to be done to one trust.
type Change struct {
	Action   Action
	Name     string // in the manifest
	ID       string // "" for one to be added
	Revision int64  // that the change is made to
	Adopts   bool   // the trust was made by hand
	Fields   []Field
	Warnings []string

	want, have policy.Trust
}

// Issuer returns whose tokens the trust admits, before and after.
func (c Change) Issuer() (before, after string) { return c.have.Issuer, c.want.Issuer }

// MovesKeys reports whether the change gives the issuer another key source, which all trusts in it follow.
func (c Change) MovesKeys() bool {
	return c.Action == Update && !equalSource(c.have.KeySource, c.want.KeySource)
}

func equalSource(a, b identity.KeySource) bool {
	sameEnd := a.NotAfter.Equal(b.NotAfter)
	a.NotAfter = b.NotAfter
	return sameEnd && a == b
}

// Follows returns the change as of a trust that was read again, after the key source of its issuer had moved with another
// change of the same manifest; false where anything else of it moved.
func (c Change) Follows(again Kept) (Change, bool) {
	now, err := again.trust()
	if err != nil {
		return c, false
	}
	was := c.have
	was.KeySource = now.KeySource
	if len(diff(values(was), values(now))) > 0 {
		return c, false
	}
	c.have, c.Revision = now, now.Revision
	return c, true
}

// Tenant is the workspace that trusts are declared in. One that does not exist yet has no ID.
type Tenant struct{ ID, Name, Issuer string }

// Plan returns what is to be done to a workspace's trusts so that they are as declared: updates, then additions, then
// removals, so that at no time fewer are admitted than before and after. Nothing is a change that is so already.
func (f File) Plan(w Workspace, tenant Tenant, present []Kept, prune bool) ([]Change, error) {
	if tenant.ID == "" {
		tenant.ID = strings.Repeat("a", 26) // of no workspace, for what is checked before there is one
	}
	p := planner{file: f, tenant: identity.Tenant(tenant), used: map[string]string{}}
	for _, k := range present {
		t, err := k.trust()
		if err != nil {
			return nil, fmt.Errorf("trust %s: %w", k.ID, err)
		}
		p.present = append(p.present, t)
	}
	var changes []Change
	for _, t := range w.Trusts {
		c, changed, err := p.trust(t)
		if err != nil {
			return nil, fmt.Errorf("workspace %s, trust %s: %w", w.Name, t.Name, err)
		}
		if changed {
			changes = append(changes, c)
		}
	}
	changes = append(changes, p.rest(w, prune)...)
	slices.SortStableFunc(changes, func(a, b Change) int { return order(a.Action) - order(b.Action) })
	return changes, nil
}

func order(a Action) int { return slices.Index([]Action{Update, Add, Remove, Keep}, a) }

// planner compares the trusts of one workspace.
type planner struct {
	file    File
	tenant  identity.Tenant
	present []policy.Trust
	used    map[string]string // names of the declared trusts, by the IDs of those that they are
}

func (p *planner) trust(t Trust) (Change, bool, error) {
	label := p.file.label(t.Name)
	want, warnings, err := t.resolve(p.tenant, label)
	if err != nil {
		return Change{}, false, err
	}
	have, err := p.find(t, label)
	if err != nil {
		return Change{}, false, err
	}
	if have.ID == "" {
		return Change{Action: Add, Name: t.Name, Fields: diff(nil, values(want)), Warnings: warnings, want: want}, true, nil
	}
	if by, twice := p.used[have.ID]; twice {
		return Change{}, false, fmt.Errorf("adopt: %s is trust %s already", have.ID, by)
	}
	p.used[have.ID] = t.Name
	fields := diff(values(have), values(want))
	return Change{
		Action: Update, Name: t.Name, ID: have.ID, Revision: have.Revision, Adopts: have.ManagedBy == "", Fields: fields, Warnings: warnings,
		want: want, have: have,
	}, len(fields) > 0, nil
}

// find returns the trust that a declared one is: the one of its label, or the one that it adopts. Without either it has no
// ID. What another manifest declares is not to be had.
func (p *planner) find(t Trust, label string) (policy.Trust, error) {
	i := slices.IndexFunc(p.present, func(have policy.Trust) bool { return have.ManagedBy == label })
	switch {
	case i >= 0 && (t.Adopt == "" || t.Adopt == p.present[i].ID):
		return p.present[i], nil
	case i >= 0:
		return policy.Trust{}, fmt.Errorf("adopt: it is %s already, and cannot be %s, too", p.present[i].ID, t.Adopt)
	case t.Adopt == "":
		return policy.Trust{}, nil
	}
	i = slices.IndexFunc(p.present, func(have policy.Trust) bool { return have.ID == t.Adopt })
	switch {
	case i < 0:
		return policy.Trust{}, fmt.Errorf("adopt: the workspace has no trust %s", t.Adopt)
	case p.present[i].ManagedBy != "":
		return policy.Trust{}, errors.New("adopt: " + t.Adopt + " is declared elsewhere, as " + p.present[i].ManagedBy)
	}
	return p.present[i], nil
}

// rest returns what this manifest applied before and declares no longer.
func (p *planner) rest(w Workspace, prune bool) []Change {
	var all []Change
	for _, have := range p.present {
		name, ours := strings.CutPrefix(have.ManagedBy, p.file.Manifest+"/")
		declared := slices.ContainsFunc(w.Trusts, func(t Trust) bool { return t.Name == name })
		if !ours || declared {
			continue
		}
		c := Change{Action: Keep, Name: name, ID: have.ID, Revision: have.Revision, have: have}
		if prune {
			c.Action, c.Fields = Remove, diff(values(have), nil)
		}
		all = append(all, c)
	}
	return all
}

func (f File) label(name string) string { return f.Manifest + "/" + name }
