package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const (
	groupsTarget    = "groups"
	attributePrefix = "attributes."
	maxGroups       = 200
	maxAttributes   = 32
	maxMapped       = 256 // bytes of a group or of an attribute's value
	maxName         = 64  // bytes of an attribute's name
)

// mapping is one claim mapping of a compiled trust.
type mapping struct {
	target     string // groupsTarget, or attributePrefix and a name
	expression string
}

// mapped is what the mappings of a trust made of a token's claims: the groups, prefixed and sorted, and the attributes.
type mapped struct {
	hasGroups  bool
	groups     []string
	attributes map[string]string
}

// errMapped is in the chain of what refuses the whole exchange and not only its trust (rule 12).
var errMapped = errors.New("not admitted")

// groupPrefix is unique to the issuer: no two issuers' groups meet in one name.
func groupPrefix(issuer string) string {
	rest, secure := strings.CutPrefix(issuer, "https://")
	if !secure || strings.HasPrefix(rest, "http://") || strings.HasPrefix(rest, "https://") {
		return issuer + "#" // nsc dev's, and what would look like another's
	}
	return rest + "#"
}

// checkMappings judges mappings as they are written (rule 12).
func checkMappings(t Trust) error {
	if len(t.Mappings) > maxAttributes+1 {
		return wrong("mappings", "has more than %d entries; remove some", maxAttributes+1)
	}
	for _, target := range slices.Sorted(maps.Keys(t.Mappings)) {
		if problem := checkTarget(target); problem != "" {
			return wrong("mappings", "%q %s", target, problem)
		}
		if err := checkMapping(target, t.Mappings[target]); err != nil {
			return wrong("mappings."+target, "%s", err)
		}
	}
	if _, ok := t.Mappings[groupsTarget]; ok && reserved(groupPrefix(t.Issuer)) {
		return wrong("mappings."+groupsTarget, "would make groups that begin with system:, which are refused everywhere")
	}
	return nil
}

func checkTarget(target string) string {
	if target == groupsTarget {
		return ""
	}
	name, ok := strings.CutPrefix(target, attributePrefix)
	if !ok {
		return "is not a target; map to groups or to attributes.<name>"
	}
	if len(name) > maxName || !consistsOf(name, lower+"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") {
		return "is not attributes.<name> with a name of up to 64 letters, digits, '_' and '-'"
	}
	return ""
}

func checkMapping(target, text string) error {
	checked, err := checkExpression(text)
	if err != nil {
		return err
	}
	kind := checked.OutputType()
	switch {
	case target != groupsTarget && !kind.IsExactType(cel.StringType) && !kind.IsExactType(cel.DynType):
		return fmt.Errorf("is a %s and not a string; write string(…)", kind)
	case target == groupsTarget && !groupsType(kind):
		return fmt.Errorf("is a %s and not a list of strings", kind)
	case makesReserved(root(checked)):
		return errors.New("contains a literal that begins with system:, which is refused everywhere")
	}
	return nil
}

func groupsType(kind *cel.Type) bool {
	return slices.ContainsFunc([]*cel.Type{
		cel.DynType, cel.StringType, cel.ListType(cel.StringType), cel.ListType(cel.DynType),
	}, kind.IsExactType)
}

// makesReserved reports whether a literal that begins with system: may reach the result. One that is only compared
// with cannot, and is how such groups are left out: claims.groups.filter(g, !g.startsWith("system:")).
func makesReserved(e ast.Expr) bool {
	compares := []string{operators.Equals, operators.NotEquals, operators.In,
		overloads.StartsWith, overloads.EndsWith, overloads.Contains}
	switch e.Kind() {
	case ast.LiteralKind:
		text, ok := e.AsLiteral().(types.String)
		return ok && reserved(string(text))
	case ast.CallKind:
		if slices.Contains(compares, e.AsCall().FunctionName()) {
			return false
		}
	}
	for _, child := range ast.NavigateExpr(nil, e).Children() {
		if makesReserved(child) {
			return true
		}
	}
	return false
}

// apply evaluates the mappings of a trust. An error with errMapped in its chain refuses the exchange; any other is an
// evaluation error, which makes the trust not match.
func (v *evaluation) apply(c *Compiled) (mapped, error) {
	var out mapped
	for _, m := range c.mappings {
		value, err := v.run(m.expression)
		if err != nil {
			return mapped{}, fmt.Errorf("%s: %w", m.target, err)
		}
		if m.target == groupsTarget {
			out.hasGroups = true
			out.groups, err = groupsOf(value, c.groupPrefix)
		} else {
			err = out.set(strings.TrimPrefix(m.target, attributePrefix), value)
		}
		if err != nil {
			return mapped{}, fmt.Errorf("%s: %w", m.target, err)
		}
	}
	return out, nil
}

func (m *mapped) set(name string, value ref.Val) error {
	text, ok := value.(types.String)
	if !ok {
		return errResult
	}
	if err := checkMapped(string(text)); err != nil {
		return err
	}
	if m.attributes == nil {
		m.attributes = map[string]string{}
	}
	m.attributes[name] = string(text)
	return nil
}

// groupsOf returns the groups of a list of strings, or of one string, each with the issuer's prefix.
func groupsOf(value ref.Val, prefix string) ([]string, error) {
	names, err := textsOf(value)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if err := checkMapped(name); err != nil {
			return nil, err
		}
		if reserved(prefix + name) {
			return nil, fmt.Errorf("%w: a group begins with %q", errMapped, systemPrefix)
		}
		names[i] = prefix + name
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func textsOf(value ref.Val) ([]string, error) {
	if text, ok := value.(types.String); ok {
		return []string{string(text)}, nil
	}
	many, ok := value.(traits.Lister)
	if !ok {
		return nil, errResult
	}
	var out []string
	for it := many.Iterator(); it.HasNext() == types.True; {
		text, ok := it.Next().(types.String)
		if !ok {
			return nil, errResult
		}
		if len(out) == maxGroups {
			return nil, fmt.Errorf("%w: more than %d groups", errMapped, maxGroups)
		}
		out = append(out, string(text))
	}
	return out, nil
}

func checkMapped(text string) error {
	switch {
	case reserved(text):
		return fmt.Errorf("%w: begins with %q", errMapped, systemPrefix)
	case text == "" || len(text) > maxMapped:
		return fmt.Errorf("%w: not 1 to %d bytes", errMapped, maxMapped)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%w: contains a control character", errMapped)
	}
	return nil
}
