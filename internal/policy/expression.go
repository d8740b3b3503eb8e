package policy

import (
	"errors"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/overloads"
)

const (
	maxExpression    = 4 << 10 // bytes
	maxDepth         = 50      // of an expression's nesting
	claimsVariable   = "claims"
	assumedSize      = 256     // elements of a list, members of an object, bytes of a string: for the estimate alone
	assumedDepth     = 2       // lists within lists
	maxEstimatedCost = 500_000 // at write; a loop over a claim within another such loop is above it
	maxActualCost    = 20_000  // at run, of one expression
	maxDecisionCost  = 100_000 // at run, of all expressions of one decision
)

// language returns the CEL environment of conditions and mappings: the standard library over the one variable claims.
// matches is missing because it is not anchored: "evil-repo:acme/api2:x".matches("repo:acme/api") is true (rule 19).
// There are no string extensions: their replace can make a gigabyte of a line.
var language = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewCustomEnv(
		cel.StdLib(cel.StdLibSubset(env.NewLibrarySubset().AddExcludedFunctions(env.NewFunction(overloads.Matches)))),
		cel.Variable(claimsVariable, cel.MapType(cel.StringType, cel.DynType)),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserExpressionSizeLimit(maxExpression),
	)
})

// parseExpression compiles the text of a condition or a mapping.
func parseExpression(text string) (*cel.Ast, error) {
	if problem := checkProse(text, maxExpression); problem != "" {
		return nil, errors.New(problem)
	}
	environment, err := language()
	if err != nil {
		return nil, err
	}
	checked, issues := environment.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, explainIssue(err)
	}
	return checked, nil
}

func explainIssue(err error) error {
	if strings.Contains(err.Error(), "undeclared reference to 'matches'") {
		return errors.New("uses matches, which is not available because it is not anchored; compare with == or in, use " +
			"startsWith or endsWith, or write the subject's pattern")
	}
	return errors.New("does not compile: " + strings.Join(strings.Fields(err.Error()), " "))
}

// checkExpression compiles what is being written and refuses what could cost too much.
func checkExpression(text string) (*cel.Ast, error) {
	checked, err := parseExpression(text)
	if err != nil {
		return nil, err
	}
	environment, err := language()
	if err != nil {
		return nil, err
	}
	estimate, err := environment.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, err
	}
	if estimate.Max > maxEstimatedCost {
		return nil, errors.New("could cost too much to evaluate; avoid loops within loops over claims")
	}
	if _, err := plan(checked); err != nil {
		return nil, err
	}
	return checked, nil
}

// plan makes the program of a checked expression.
func plan(checked *cel.Ast) (cel.Program, error) {
	environment, err := language()
	if err != nil {
		return nil, err
	}
	return environment.Program(checked, cel.CostLimit(maxActualCost))
}

// sizes assumes how large claims are, for the estimate at write; the limit at run does not assume.
type sizes struct{}

// EstimateSize implements cost.Estimator.
func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	loops := 0
	for _, step := range node.Path() {
		if strings.HasPrefix(step, "@") {
			loops++
		}
	}
	if len(node.Path()) == 0 || loops > assumedDepth {
		return nil
	}
	size := cost.RangedSizeEstimate(0, assumedSize)
	return &size
}

// EstimateCallCost implements cost.Estimator: functions cost what CEL says.
func (sizes) EstimateCallCost(_, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	return nil
}

// root returns the expression's tree.
func root(checked *cel.Ast) ast.Expr { return checked.NativeRep().Expr() }
