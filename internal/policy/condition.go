package policy

import (
	"errors"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// checkCondition judges a condition as it is written and returns the claims that it pins. The empty one is true.
func checkCondition(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	checked, err := checkExpression(text)
	if err != nil {
		return nil, err
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, errors.New("is not a bool; compare the claim, as in claims.email_verified == true")
	}
	return pins(root(checked)), nil
}

// pins returns the claims that the condition's top-level conjuncts equate to non-empty literals (rule 18), as
// "repository_owner_id" or "kubernetes.io/namespace".
func pins(e ast.Expr) []string {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		return append(pins(left), pins(right)...)
	case operators.Equals:
		if !meaningful(right) {
			left, right = right, left
		}
		if path := claimPath(left); path != "" && meaningful(right) && !slices.Contains(unpinning, path) {
			return []string{path}
		}
	}
	return nil
}

// unpinning are claims that have the same value, or a value of the caller's choice, in everybody's tokens.
var unpinning = []string{"iss", "aud", "exp", "iat", "nbf", "jti", "azp"}

// meaningful reports whether the expression is a non-empty literal. Booleans and null are not: half of all tokens have
// them.
func meaningful(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	switch v := e.AsLiteral().(type) {
	case types.String:
		return strings.TrimSpace(string(v)) != ""
	case types.Int, types.Uint:
		return true
	}
	return false
}

// claimPath returns the path of claims.a.b or claims["a"]["b"], joined with dots, or "".
func claimPath(e ast.Expr) string {
	var step string
	var operand ast.Expr
	switch {
	case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
		step, operand = e.AsSelect().FieldName(), e.AsSelect().Operand()
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
		args := e.AsCall().Args()
		name, ok := args[1].AsLiteral().(types.String)
		if !ok {
			return ""
		}
		step, operand = string(name), args[0]
	default:
		return ""
	}
	if operand.Kind() == ast.IdentKind && operand.AsIdent() == claimsVariable {
		return step
	}
	if above := claimPath(operand); above != "" {
		return above + "." + step
	}
	return ""
}

var (
	errBudget = errors.New("the expressions of this decision cost too much together")
	errResult = errors.New("the result is not of the kind that is needed")
)

// evaluation is what the expressions of one decision share: the claims, decoded once, and what was spent.
type evaluation struct {
	caller Claimant
	vars   cel.Activation
	spent  uint64
}

// run evaluates an expression over the caller's claims. Any error is "no match" (rule 19).
func (v *evaluation) run(text string) (ref.Val, error) {
	if v.spent > maxDecisionCost {
		return nil, errBudget
	}
	program, err := recentPrograms.get(text)
	if err != nil {
		return nil, err
	}
	if err := v.load(); err != nil {
		return nil, err
	}
	value, details, err := program.Eval(v.vars)
	if spent := details.ActualCost(); spent != nil {
		v.spent += *spent
	}
	return value, err
}

func (v *evaluation) load() error {
	if v.vars != nil {
		return nil
	}
	claims, err := v.caller.Claims()
	if err != nil {
		return err
	}
	v.vars, err = cel.NewActivation(map[string]any{claimsVariable: claims})
	return err
}

// holds evaluates a condition; the empty one is true.
func (v *evaluation) holds(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	value, err := v.run(condition)
	if err != nil {
		return false, err
	}
	result, ok := value.(types.Bool)
	if !ok {
		return false, errResult
	}
	return bool(result), nil
}
