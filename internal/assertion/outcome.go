package assertion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/policy"
)

// Outcome is how a case was decided.
type Outcome struct {
	Granted bool
	Reason  string
	Trusts  []string // that match, by name and by ID
	Grants  []identity.Permission
	Groups  []string
	Nearest []string // what fails of the nearest trust, for people
}

// Differs returns what of an outcome is not as the case has it, a line each; nothing where all is.
func (c Case) Differs(o Outcome) []string {
	if c.Deny != nil {
		return c.Deny.differs(o)
	}
	if !o.Granted {
		return append([]string{"want allowed", "got  denied: " + o.Reason}, o.Nearest...)
	}
	var lines []string
	if c.Allow.Trust != "" && !slices.Contains(o.Trusts, c.Allow.Trust) {
		lines = append(lines, "want trust "+c.Allow.Trust, "got  trust "+strings.Join(o.Trusts, ", "))
	}
	if c.Allow.Grants != nil {
		lines = append(lines, compared("grant", grantLines(permissions(*c.Allow.Grants)), grantLines(o.Grants))...)
	}
	if c.Allow.Groups != nil {
		lines = append(lines, compared("group", *c.Allow.Groups, o.Groups)...)
	}
	return lines
}

func (d Deny) differs(o Outcome) []string {
	switch {
	case o.Granted:
		lines := []string{"want denied", "got  allowed by trust " + strings.Join(o.Trusts, ", ")}
		for _, grant := range grantLines(o.Grants) {
			lines = append(lines, "     with grant "+grant)
		}
		return lines
	case d.Reason != "" && d.Reason != o.Reason:
		return append([]string{"want denied: " + d.Reason, "got  denied: " + o.Reason}, o.Nearest...)
	}
	return nil
}

// grantLines writes grants so that equal ones are equal, one for each action.
func grantLines(grants []identity.Permission) []string {
	var lines []string
	for _, p := range policy.Union(grants) {
		for _, action := range p.Actions {
			lines = append(lines, p.ResourceType+" "+p.ResourceID+": "+action)
		}
	}
	return lines
}

// compared returns what one list has and the other has not.
func compared(what string, want, got []string) (lines []string) {
	for _, w := range want {
		if !slices.Contains(got, w) {
			lines = append(lines, fmt.Sprintf("want %s %s", what, w))
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			lines = append(lines, fmt.Sprintf("got  %s %s", what, g))
		}
	}
	return lines
}
