package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/failure"
)

// A secret on the command line where an ID is wanted is a natural mistake: it is what one has at hand. It is refused here,
// for all commands, before anything repeats it on the screen or puts it into an address, which proxies and servers log.

// secretWords say, by how tokens begin, what to do instead. No ID and no name begins so.
var secretWords = map[string]string{
	"nsrt_": "give its ID, which nsc token list shows; nsc token revoke takes the secret, too",
	"nsct_": "give an ID; nsc token revoke - ends the token that it reads from standard input",
	"nsrf_": "give an ID: nothing but a token endpoint is shown a refresh token",
	"eyJ":   "give its ID, the claim jti, which nsc auth inspect shows; nsc cutoff --token takes the whole token, too",
}

// secretIn returns how the secret begins that a text holds; "" for none.
func secretIn(text string) string {
	for prefix := range secretWords {
		if strings.HasPrefix(strings.TrimSpace(text), prefix) {
			return prefix
		}
	}
	return ""
}

// checkSecret refuses a text that holds a secret without repeating it.
func checkSecret(where, text string) error {
	prefix := secretIn(text)
	if prefix == "" {
		return nil
	}
	return failure.Misuse(fmt.Sprintf("%s was given a token (%s…), for which it has no use; the token was not sent", where, prefix),
		"%s", secretWords[prefix])
}

// takesToken marks a command whose argument is a token.
const takesToken = "token"

// refuseSecrets refuses secrets in arguments and flags. The flag --token is for tokens.
func refuseSecrets(cmd *cobra.Command, args []string) (err error) {
	for i, arg := range args {
		if _, ok := cmd.Annotations[takesToken]; ok && i == 0 {
			continue
		}
		if err := checkSecret(cmd.CommandPath(), arg); err != nil {
			return err
		}
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "token" || err != nil {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			if err == nil {
				err = checkSecret("--"+f.Name, value)
			}
		}
	})
	return err
}
