// Package preset fills in a trust relationship for an issuer that many people use: the issuer's URL, a subject that says
// whose tokens these are, and a condition that pins them to what is never given to anybody else.
//
// A preset is a table of parameters and a function from their values to a draft. The rule that it keeps: whatever the
// values are, the draft admits what they name and no more. So each parameter has a form that leaves no room for a quote,
// a star or another segment; text reaches a condition only as a CEL literal that this package has quoted; and a condition
// that somebody adds joins the preset's own by "and", after it has been compiled by itself (policy.Conjoin).
//
// What the tokens contain is documented by those who issue them; each preset names the page, and its test holds claims as
// documented there, and near variants of them, against the draft. The package does no I/O: no issuer is asked.
package preset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/policy"
	"github.com/nsc-federation/nsc/internal/spelling"
)

// Preset knows the tokens of one issuer.
type Preset struct {
	Name       string      // as --preset takes it
	Title      string      // for people
	Guide      string      // page in docs/guide with the other side's steps
	Source     string      // address of the page that says what the tokens contain
	Pins       string      // what the draft pins, and why, in a sentence
	Parameters []Parameter // in the order in which people think of them

	build func(given) (draft, error)
}

// Parameter is one thing that a preset has to be told.
type Parameter struct {
	Name     string
	Meaning  string
	Required bool
	Default  string // the value where none is given; "" is none
	Example  string

	form form
}

// Accepts says in words which values the parameter takes.
func (p Parameter) Accepts() string { return p.form.says }

// Pattern returns the regular expression that values match, anchored; it is for editors, which check before we do.
func (p Parameter) Pattern() string { return p.form.pattern.String() }

// given are the values of a preset's parameters, each in its form, with the defaults.
type given map[string]string

// draft is what a preset makes of the values.
type draft struct {
	issuer, subject, audience string
	pins                      []string // conjuncts of the condition
}

// Error says which parameter is wrong, and why.
type Error struct {
	Preset    string
	Parameter string
	Problem   string // continues the sentence that begins with the parameter's name
}

// Error returns the parameter and its problem.
func (e *Error) Error() string { return e.Parameter + " " + e.Problem }

// All returns the presets in the order of their names.
func All() []Preset {
	all := slices.Concat(clusters(), pipelines(), clouds(), meshes())
	slices.SortFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Names returns the names of the presets, sorted.
func Names() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return names
}

// Find returns the preset of a name. The error says what there is.
func Find(name string) (Preset, error) {
	all := All()
	if i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name }); i >= 0 {
		return all[i], nil
	}
	if near := meant(name, all); near != "" {
		return Preset{}, fmt.Errorf("there is no preset %q; did you mean %s?", name, near)
	}
	return Preset{}, fmt.Errorf("there is no preset %q; there are %s", name, strings.Join(Names(), ", "))
}

// meant returns the preset that somebody probably meant: the first that begins with the word, or the nearest in spelling.
func meant(word string, all []Preset) string {
	if i := slices.IndexFunc(all, func(p Preset) bool { return word != "" && strings.HasPrefix(p.Name, word) }); i >= 0 {
		return all[i].Name
	}
	near, _ := spelling.Nearest(word, Names())
	return near
}

// Names returns the names of the preset's parameters.
func (p Preset) Names() []string {
	var names []string
	for _, parameter := range p.Parameters {
		names = append(names, parameter.Name)
	}
	return names
}

// Has reports whether the preset has a parameter of the name.
func (p Preset) Has(name string) bool { return slices.Contains(p.Names(), name) }

// Trust returns the draft of a trust relationship for the values of the preset's parameters: its issuer, subject, audience
// and condition. The error is an *Error.
func (p Preset) Trust(values map[string]string) (policy.Trust, error) {
	g, err := p.read(values)
	if err != nil {
		return policy.Trust{}, err
	}
	d, err := p.build(g)
	if err != nil {
		return policy.Trust{}, p.named(err)
	}
	return policy.Trust{
		Issuer: d.issuer, SubjectMatch: d.subject, Audience: d.audience, Condition: strings.Join(d.pins, " && "), Enabled: true,
	}, nil
}

// And returns the condition of a draft together with one that somebody adds: it narrows, and replaces nothing.
func And(condition, more string) (string, error) { return policy.Conjoin(condition, more) }

// read holds the values against the parameters' forms, and fills in the defaults.
func (p Preset) read(values map[string]string) (given, error) {
	for name := range values {
		if !p.Has(name) {
			return nil, p.unknown(name)
		}
	}
	g := given{}
	for _, parameter := range p.Parameters {
		value, found := values[parameter.Name]
		switch {
		case !found && parameter.Default != "":
			value = parameter.Default
		case !found && parameter.Required:
			return nil, &Error{p.Name, parameter.Name, "is missing; it is " + parameter.Meaning + ", such as " + parameter.Example}
		case !found:
			continue
		}
		if !parameter.form.admits(value) {
			return nil, &Error{p.Name, parameter.Name, fmt.Sprintf("is %q, and must be %s", value, parameter.form.says)}
		}
		g[parameter.Name] = value
	}
	return g, nil
}

func (p Preset) unknown(name string) error {
	problem := fmt.Sprintf("is no parameter of the preset %s; it has %s", p.Name, strings.Join(p.Names(), ", "))
	if near, ok := spelling.Nearest(name, p.Names()); ok {
		problem = fmt.Sprintf("is no parameter of the preset %s; did you mean %s?", p.Name, near)
	}
	return &Error{p.Name, name, problem}
}

// named puts the preset's name into an error of its build.
func (p Preset) named(err error) error {
	if e, ok := err.(*Error); ok {
		e.Preset = p.Name
	}
	return err
}

// oneOf returns the only one of some parameters that is given.
func (g given) oneOf(names ...string) (name, value string, err error) {
	for _, candidate := range names {
		v, found := g[candidate]
		if !found {
			continue
		}
		if name != "" {
			return "", "", &Error{Parameter: candidate, Problem: "and " + name + " exclude each other; give one of them"}
		}
		name, value = candidate, v
	}
	if name == "" {
		problem := "is missing; give one of " + strings.Join(names, ", ")
		return "", "", &Error{Parameter: names[0], Problem: problem}
	}
	return name, value, nil
}
