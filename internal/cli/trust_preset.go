package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/preset"
)

// presetFlags are a preset and the values of its parameters. The parameters of all presets are flags; help leaves them to
// `trust-relationships presets`, which says whose they are.
type presetFlags struct {
	name   string
	dryRun bool
	values map[string]*string
}

func (f *presetFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "preset", "", "`name` of a preset that writes issuer, subject and condition; see nsc auth trust-relationships presets")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be registered, or why it would be refused, and register nothing")
	complete(cmd, "preset", preset.Names()...)
	f.values = map[string]*string{}
	for _, p := range preset.All() {
		for _, parameter := range p.Parameters {
			if flags.Lookup(parameter.Name) != nil { // of another preset, too, or one of every trust's: --issuer
				continue
			}
			f.values[parameter.Name] = flags.String(parameter.Name, "", parameter.Meaning)
			if err := flags.MarkHidden(parameter.Name); err != nil {
				panic(err) // the flag is not defined: a mistake of ours, found by every test
			}
		}
	}
	cmd.SetFlagErrorFunc(f.flagFailure)
}

// flagFailure lists the preset's own parameters where a flag is none of anything's.
func (f *presetFlags) flagFailure(cmd *cobra.Command, err error) error {
	failed := flagFailure(cmd, err)
	p, unknown := preset.Find(f.name)
	if unknown != nil || !strings.Contains(failed.Error(), " has no flag --") {
		return failed
	}
	return failure.Misuse(failure.From(failed).What, "%s", seeParameters(p))
}

func seeParameters(p preset.Preset) string {
	return fmt.Sprintf("the preset %s has --%s: nsc auth trust-relationships presets %s", p.Name, strings.Join(p.Names(), ", --"), p.Name)
}

// given returns the parameters that the command line has.
func (f *presetFlags) given(cmd *cobra.Command) map[string]string {
	values := map[string]string{}
	for name, value := range f.values {
		if cmd.Flags().Changed(name) {
			values[name] = *value
		}
	}
	return values
}

// fill writes what the preset makes of its parameters into what the other flags say.
func (f *presetFlags) fill(cmd *cobra.Command, c *api.TrustChange) error {
	values := f.given(cmd)
	if f.name == "" {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			return failure.Misuse("--"+name+" is a parameter of presets, and no preset is given", "add --preset NAME; see them all: nsc auth trust-relationships presets")
		}
		return nil
	}
	p, err := preset.Find(f.name)
	if err != nil {
		return failure.Misuse(err.Error(), "see them all: nsc auth trust-relationships presets")
	}
	if c.Issuer != nil {
		values["issuer"] = *c.Issuer
	}
	if c.SubjectMatch != nil {
		return failure.Misuse("--subject-match and --preset exclude each other: the subject is the preset's to write", "leave out one of them")
	}
	draft, err := p.Trust(values)
	if err != nil {
		return parameterFailure(p, err)
	}
	if c.Condition != nil {
		if draft.Condition, err = preset.And(draft.Condition, *c.Condition); err != nil {
			return failure.Misuse("the condition of --condition "+err.Error(), "correct it; it is joined with the preset's own by and")
		}
	}
	c.Issuer, c.SubjectMatch = &draft.Issuer, &draft.SubjectMatch
	if draft.Condition != "" {
		c.Condition = &draft.Condition
	}
	if draft.Audience != "" && c.Audience == nil {
		c.Audience = &draft.Audience
	}
	return nil
}

func parameterFailure(p preset.Preset, err error) error {
	var wrong *preset.Error
	if !errors.As(err, &wrong) {
		return err
	}
	return failure.Misuse("--"+wrong.Parameter+" "+wrong.Problem, "%s", seeParameters(p))
}

func (p *program) trustPresetsCommand() *cobra.Command {
	return local(&cobra.Command{
		Use: "presets [NAME]", Short: "List what add --preset knows", Args: atMostOne,
		Long: "List the presets of add, or the parameters of one. A preset writes the issuer, a subject and a condition for tokens that many people use, pinned to what is never given to anybody else.",
		Example: `nsc auth trust-relationships presets
nsc auth trust-relationships presets github-actions`,
		RunE: func(_ *cobra.Command, args []string) error { return p.trustPresets(args) },
	})
}

// shownPreset is a preset as it is printed for programs.
type shownPreset struct {
	Name       string           `json:"name"`
	Title      string           `json:"title"`
	Pins       string           `json:"pins"`
	Guide      string           `json:"guide"`
	Source     string           `json:"source"`
	Parameters []shownParameter `json:"parameters"`
}

type shownParameter struct {
	Name     string `json:"name"`
	Meaning  string `json:"meaning"`
	Required bool   `json:"required"`
	Default  string `json:"default,omitempty"`
	Accepts  string `json:"accepts"`
	Example  string `json:"example"`
}

func showPreset(p preset.Preset) shownPreset {
	s := shownPreset{Name: p.Name, Title: p.Title, Pins: p.Pins, Guide: "docs/guide/" + p.Guide, Source: p.Source}
	for _, q := range p.Parameters {
		s.Parameters = append(s.Parameters, shownParameter{q.Name, q.Meaning, q.Required, q.Default, q.Accepts(), q.Example})
	}
	return s
}

func (p *program) trustPresets(args []string) error {
	if len(args) == 1 {
		one, err := preset.Find(args[0])
		if err != nil {
			return failure.Misuse(err.Error(), "see them all: nsc auth trust-relationships presets")
		}
		return p.print(showPreset(one), func(w io.Writer) { describePreset(w, one) })
	}
	shown, rows := []shownPreset{}, [][]string{}
	for _, one := range preset.All() {
		shown, rows = append(shown, showPreset(one)), append(rows, []string{one.Name, one.Title, "docs/guide/" + one.Guide})
	}
	return p.print(shown, func(w io.Writer) { table(w, []string{"NAME", "FOR", "GUIDE"}, rows) })
}

func describePreset(w io.Writer, p preset.Preset) {
	describe(w, []field{
		{"Name", p.Name}, {"For", p.Title}, {"Pins", wrap(p.Pins, helpWidth-10)}, {"Guide", "docs/guide/" + p.Guide}, {"Claims", p.Source},
	})
	var rows [][]string
	for _, q := range p.Parameters {
		need := "-"
		switch {
		case q.Required:
			need = "required"
		case q.Default != "":
			need = q.Default
		}
		rows = append(rows, []string{"--" + q.Name, need, q.Example, q.Meaning})
	}
	fmt.Fprintln(w)
	table(w, []string{"PARAMETER", "DEFAULT", "EXAMPLE", "MEANING"}, rows)
}

// valueOf returns what a pointer points to, or nothing.
func valueOf[T any](value *T) (v T) {
	if value != nil {
		v = *value
	}
	return v
}
