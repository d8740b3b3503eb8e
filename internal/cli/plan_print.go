package cli

import (
	"fmt"
	"io"

	"github.com/nsc-federation/nsc/internal/manifest"
)

// shownPlan is what is to be done, or was, as it is printed for programs.
type shownPlan struct {
	Workspaces []shownWorkspace `json:"workspaces"`
	Add        int              `json:"add"`
	Update     int              `json:"update"`
	Remove     int              `json:"remove"`
	Keep       int              `json:"keep"`
}

type shownWorkspace struct {
	Name    string        `json:"name"`
	Create  bool          `json:"create,omitempty"`
	Changes []shownChange `json:"changes"`
}

type shownChange struct {
	Action   manifest.Action  `json:"action"`
	Name     string           `json:"name"`
	ID       string           `json:"id,omitempty"`
	Adopts   bool             `json:"adopts,omitempty"`
	Fields   []manifest.Field `json:"fields,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
	Done     bool             `json:"done"`
}

func showPlans(plans []*workspacePlan) shownPlan {
	s := shownPlan{Workspaces: []shownWorkspace{}}
	counts := map[manifest.Action]*int{manifest.Add: &s.Add, manifest.Update: &s.Update, manifest.Remove: &s.Remove, manifest.Keep: &s.Keep}
	for _, w := range plans {
		shown := shownWorkspace{Name: w.name, Create: w.create, Changes: []shownChange{}}
		for i, c := range w.changes {
			*counts[c.Action]++
			done := i < w.done && c.Action != manifest.Keep
			shown.Changes = append(shown.Changes, shownChange{c.Action, c.Name, c.ID, c.Adopts, c.Fields, c.Warnings, done})
		}
		s.Workspaces = append(s.Workspaces, shown)
	}
	return s
}

// printPlans prints what is to be done, by workspace, trust and field.
func (p *program) printPlans(plans []*workspacePlan) error {
	for _, w := range plans {
		for _, c := range w.changes {
			for _, warning := range c.Warnings {
				p.warn("%s/%s: %s", w.name, c.Name, shown(warning))
			}
		}
	}
	s := showPlans(plans)
	return p.print(s, func(out io.Writer) {
		for _, w := range plans {
			writePlan(out, w)
		}
		if todo(plans) == 0 {
			fmt.Fprintln(out, "Nothing to do: it is as declared.")
			return
		}
		fmt.Fprintf(out, "%d to add, %d to update, %d to remove.\n", s.Add, s.Update, s.Remove)
	})
}

// signs stand before what a change does to a trust.
var signs = map[manifest.Action]string{manifest.Add: "+", manifest.Update: "~", manifest.Remove: "-", manifest.Keep: "="}

func writePlan(out io.Writer, w *workspacePlan) {
	if !w.create && len(w.changes) == 0 {
		return
	}
	if w.create {
		fmt.Fprintf(out, "+ workspace %s\n", w.name)
	} else {
		fmt.Fprintf(out, "  workspace %s\n", w.name)
	}
	for _, c := range w.changes {
		fmt.Fprintf(out, "  %s trust %s%s\n", signs[c.Action], c.Name, aboutChange(c))
		for _, f := range c.Fields {
			fmt.Fprintf(out, "      %s\n", fieldLine(f))
		}
	}
	fmt.Fprintln(out)
}

func aboutChange(c manifest.Change) string {
	switch {
	case c.Action == manifest.Keep:
		return " (" + c.ID + "): declared no longer, and kept; --prune removes it"
	case c.Adopts:
		return " (" + c.ID + "): made by hand, and adopted"
	case c.ID != "":
		return " (" + c.ID + ")"
	}
	return ""
}

func fieldLine(f manifest.Field) string {
	switch {
	case f.Before == "":
		return "+ " + f.Name + ": " + shown(f.After)
	case f.After == "":
		return "- " + f.Name + ": " + shown(f.Before)
	}
	return "~ " + f.Name + ": " + shown(f.Before) + " -> " + shown(f.After)
}
