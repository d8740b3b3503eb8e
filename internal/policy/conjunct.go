package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
)

// conjunct is a part of a condition, all of which must be true.
type conjunct struct {
	text   string
	loose  bool        // an operator in it binds less than &&
	claims [][2]string // the claims that it speaks of: their expressions, and their names
	// Of claims.<name> == "<literal>":
	claim, literal string
}

// conjunctsOf splits a condition at its top-level &&.
func conjunctsOf(condition string) ([]conjunct, error) {
	if condition == "" {
		return nil, nil
	}
	checked, err := parseExpression(condition)
	if err != nil {
		return nil, err
	}
	return split(root(checked), checked)
}

func split(e ast.Expr, checked *cel.Ast) ([]conjunct, error) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		var all []conjunct
		for _, arg := range e.AsCall().Args() {
			parts, err := split(arg, checked)
			if err != nil {
				return nil, err
			}
			all = append(all, parts...)
		}
		return all, nil
	}
	text, err := parser.Unparse(e, checked.NativeRep().SourceInfo())
	if err != nil {
		return nil, err
	}
	c := conjunct{text: text, loose: e.Kind() == ast.CallKind &&
		(e.AsCall().FunctionName() == operators.LogicalOr || e.AsCall().FunctionName() == operators.Conditional)}
	c.collect(e, checked)
	c.claim, c.literal = equated(e)
	return []conjunct{c}, nil
}

// collect notes the claims that an expression speaks of.
func (c *conjunct) collect(e ast.Expr, checked *cel.Ast) {
	if name := claimPath(e); name != "" {
		if text, err := parser.Unparse(e, checked.NativeRep().SourceInfo()); err == nil {
			c.claims = append(c.claims, [2]string{text, name})
		}
		return
	}
	for _, child := range ast.NavigateExpr(nil, e).Children() {
		c.collect(child, checked)
	}
}

// equated returns the claim and the text that an equation compares.
func equated(e ast.Expr) (claim, literal string) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Equals {
		return "", ""
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	if right.Kind() != ast.LiteralKind {
		left, right = right, left
	}
	if right.Kind() != ast.LiteralKind {
		return "", ""
	}
	text, ok := right.AsLiteral().(types.String)
	if !ok {
		return "", ""
	}
	return claimPath(left), string(text)
}

// together joins the parts of a condition again.
func together(parts []conjunct) string {
	all := make([]string, len(parts))
	for i, part := range parts {
		if all[i] = part.text; part.loose && len(parts) > 1 {
			all[i] = "(" + part.text + ")"
		}
	}
	return strings.Join(all, " && ")
}

// failures holds the claims against each part of a condition. The whole is evaluated first: what it admits is admitted,
// whatever its parts say alone.
func (v *evaluation) failures(condition string) []Failure {
	ok, err := v.holds(condition)
	if ok && err == nil {
		return nil
	}
	whole := Failure{Clause: ClauseCondition, Expected: shorten(condition), Actual: "false"}
	if err != nil {
		whole.Actual = shorten(err.Error())
	}
	parts, problem := conjunctsOf(condition)
	if problem != nil || errors.Is(err, errBudget) {
		return []Failure{whole}
	}
	var failed []Failure
	for _, part := range parts {
		if f, fails := v.held(part); fails {
			failed = append(failed, f)
		}
	}
	if len(failed) == 0 {
		failed = append(failed, whole)
	}
	return failed
}

// held holds the claims against one part of a condition.
func (v *evaluation) held(part conjunct) (Failure, bool) {
	ok, err := v.holds(part.text)
	if ok && err == nil {
		return Failure{}, false
	}
	f := Failure{Clause: ClauseCondition, Expected: shorten(part.text)}
	var said []string
	for _, claim := range part.claims {
		said = append(said, v.says(claim[0]))
		f.Near = append(f.Near, v.nearName(claim[1])...)
	}
	switch {
	case len(said) > 0:
		f.Actual = shorten(strings.Join(said, ", "))
	case err != nil:
		f.Actual = shorten(err.Error())
	default:
		f.Actual = "false"
	}
	if part.claim != "" {
		if value, err := v.run("string(" + claimText(part) + ")"); err == nil {
			if text, ok := value.(types.String); ok {
				f.Near = append(f.Near, Near(part.literal, string(text))...)
			}
		}
	}
	return f, true
}

// claimText returns the expression of the claim of an equation.
func claimText(part conjunct) string { return part.claims[0][0] }

// says returns what the token says of a claim.
func (v *evaluation) says(expression string) string {
	value, err := v.run(expression)
	if err != nil {
		return expression + " is not there"
	}
	return expression + " is " + plain(value)
}

func plain(value ref.Val) string {
	text, err := json.Marshal(value.Value())
	if err != nil {
		return fmt.Sprint(value.Value())
	}
	return string(text)
}

// nearName reports whether the token has a claim whose name differs by its case alone.
func (v *evaluation) nearName(name string) []NearMiss {
	claims, err := v.caller.Claims()
	if err != nil {
		return nil
	}
	if _, ok := claims[name]; ok {
		return nil
	}
	if slices.ContainsFunc(slices.Collect(maps.Keys(claims)), func(other string) bool { return strings.EqualFold(other, name) }) {
		return []NearMiss{NearName}
	}
	return nil
}
