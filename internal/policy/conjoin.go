package policy

import "errors"

// Conjoin returns the condition that holds where both do. Each is compiled by itself first: a text such as
// "true) || (true" is no condition, and so cannot turn the other one off from within the parentheses. An empty one is true.
func Conjoin(condition, more string) (string, error) {
	for _, text := range []string{condition, more} {
		if _, err := checkCondition(text); err != nil {
			return "", err
		}
	}
	switch {
	case condition == "":
		return more, nil
	case more == "":
		return condition, nil
	}
	both := "(" + condition + ") && (" + more + ")"
	if _, err := checkCondition(both); err != nil { // one ends in a comment, or they are too much together
		return "", errors.New("cannot be joined with the condition that is there already: it " + err.Error())
	}
	return both, nil
}
