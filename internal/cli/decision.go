package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

// writeDecision shows how a decision comes about: each trust that was looked at, nearest first.
func (p *program) writeDecision(w io.Writer, d api.Decision) {
	describe(w, decisionFields(d))
	for i, f := range d.Trusts {
		fmt.Fprintf(w, "\n%d. trust %s%s\n", i+1, f.ID, subjectOf(f))
		writeFinding(w, f)
	}
}

func decisionFields(d api.Decision) []field {
	outcome := "granted"
	if !d.Granted {
		outcome = "refused: " + reasonWords(d)
	}
	fields := []field{{"Outcome", outcome}}
	if d.Granted {
		var attributes []string
		for _, name := range slices.Sorted(maps.Keys(d.Attributes)) {
			attributes = append(attributes, name+" = "+d.Attributes[name])
		}
		fields = append(fields, field{"Grants", grantLines(d.Grants)}, field{"Groups", shown(strings.Join(d.Groups, ", "))},
			field{"Attributes", cut(strings.Join(attributes, ", "))}, field{"Duration", spoken(d.Duration)})
		if d.SingleUse {
			fields = append(fields, field{"Single use", "an exchange would use the token up"})
		}
	}
	return append(fields, field{"Asked for", cut(d.Asked)}, field{"Held", cut(d.Held)})
}

func reasonWords(d api.Decision) string {
	words := strings.ReplaceAll(d.Reason, "_", " ")
	if d.Detail != "" {
		words += ": " + cut(d.Detail)
	}
	return words
}

func subjectOf(f api.Finding) string {
	if f.SubjectMatch == "" {
		return ""
	}
	return " (" + cut(f.SubjectMatch) + ")"
}

func writeFinding(w io.Writer, f api.Finding) {
	if f.Matches {
		fmt.Fprintln(w, "   matches")
	}
	for _, failure := range f.Failures {
		near := ""
		if len(failure.NearMisses) > 0 {
			near = "   near miss: " + strings.ReplaceAll(strings.Join(failure.NearMisses, ", "), "_", " ")
		}
		fmt.Fprintf(w, "   %s fails%s\n     expected  %s\n     actual    %s\n", failure.Clause, near, cut(failure.Expected), cut(failure.Actual))
	}
	if f.Change != nil {
		writeChange(w, f)
	}
	for _, advice := range f.Advice {
		fmt.Fprintf(w, "   hint      %s\n", cut(advice))
	}
}

// writeChange shows a proposal as the command that would make it.
func writeChange(w io.Writer, f api.Finding) {
	if len(f.Change.Edits) > 0 {
		fmt.Fprintf(w, "   change    nsc auth trust-relationships update %s%s\n", f.ID, editFlags(f.Change.Edits))
	}
	for _, g := range f.Change.Grants {
		if text, err := json.Marshal(g); err == nil {
			fmt.Fprintf(w, "   grant     to be added to the trust's: %s\n", shown(string(text)))
		}
	}
	for _, admits := range f.Change.Admits {
		fmt.Fprintf(w, "   admits    %s\n", cut(admits))
	}
	if f.Change.Others > 0 {
		fmt.Fprintf(w, "   admits    %d other refused requests of the last days\n", f.Change.Others)
	}
}

func editFlags(edits []api.Edit) string {
	var b strings.Builder
	for _, e := range edits {
		if e.Field == "enabled" {
			b.WriteString(" --enabled")
			continue
		}
		b.WriteString(" --" + strings.ReplaceAll(e.Field, "_", "-") + " " + quoted(shown(e.To)))
	}
	return b.String()
}

// quoted quotes a text for a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// claimLines shows claims, one a line.
func claimLines(document json.RawMessage) string {
	var claims map[string]json.RawMessage
	if json.Unmarshal(document, &claims) != nil {
		return ""
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		lines = append(lines, cut(name)+" = "+cut(string(claims[name])))
	}
	return strings.Join(lines, "\n")
}
