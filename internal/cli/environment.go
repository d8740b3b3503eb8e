package cli

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/server"
	"github.com/nsc-federation/nsc/internal/spelling"
)

const variablePrefix = "NSC_"

// clientVariables are those that are no key of the configuration.
var clientVariables = []string{"CONFIG", "URL", "WORKSPACE", "CA_FILE", "TOKEN_FILE", "METADATA_DIR"}

// serviceVariable is what Kubernetes sets in each pod for each Service beside it, one that is named nsc or nsc-database too.
var serviceVariable = regexp.MustCompile(`^NSC_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// environment is what os.Environ returns. A name that comes twice has the value that comes first.
func environment(list []string) map[string]string {
	values := make(map[string]string, len(list))
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := values[name]; !twice {
			values[name] = value
		}
	}
	return values
}

// checkVariables refuses a variable that is nearly one of nsc's: unlike a misspelt key of the file it would go unnoticed.
// Others that begin like ours are somebody else's.
func checkVariables(values map[string]string) error {
	known := append([]string{}, clientVariables...)
	for _, key := range server.Keys() {
		known = append(known, strings.ToUpper(key))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		word, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || values[name] == "" || serviceVariable.MatchString(name) {
			continue
		}
		if near, ok := spelling.Nearest(word, known); ok && near != word {
			return fmt.Errorf("the environment has %s, which nsc does not know; did you mean %s%s?", name, variablePrefix, near)
		}
	}
	return nil
}
