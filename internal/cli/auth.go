package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/jwt"
)

func (p *program) authCommand() *cobra.Command {
	return p.group("auth", "Sign in, issue ID tokens, and say whom to trust",
		"Sign in with another issuer's token, issue ID tokens for other systems, and manage whom the workspace trusts.",
		`nsc auth exchange-oidc-token --token-file token.jwt
nsc auth issue-id-token --audience https://your-service.example.com
nsc auth trust-relationships list`,
		p.issueIDTokenCommand(), p.exchangeCommand(), p.delegateCommand(), p.actForCommand(), p.trustCommand(),
		p.whoamiCommand(), p.checkLoginCommand(), p.logoutCommand(), p.inspectCommand(),
	)
}

// tokenFlags are the ways to hand over somebody else's token.
type tokenFlags struct {
	token string
	file  string
	flags *pflag.FlagSet // of the command; nil where the token was given in another way
	todo  string         // how it is given in that way
}

func (f *tokenFlags) bind(cmd *cobra.Command) {
	f.flags = cmd.Flags()
	cmd.Flags().StringVar(&f.token, "token", "", "the `token`, or - to read it from standard input; other users of this machine can see a command line")
	cmd.Flags().StringVar(&f.file, "token-file", "", "`file` that holds the token")
}

// given reports whether a token is named, be it an empty one: a variable that is not set must not become one's own sign-in.
func (f tokenFlags) given() bool { return f.has("token", f.token) || f.has("token-file", f.file) }

func (f tokenFlags) has(flag, value string) bool {
	return value != "" || f.flags != nil && f.flags.Changed(flag)
}

// again returns the flags that name the same token in another command. A token itself is not repeated.
func (f tokenFlags) again() string {
	switch {
	case f.file != "":
		return "--token-file " + f.file
	case f.token == "-":
		return "--token -"
	}
	return "--token TOKEN"
}

// maxToken is the number of bytes read of a token: more than any verifier accepts, so that it can be said.
const maxToken = 4 * jwt.MaxSize

// read returns the token without white space around it.
func (f tokenFlags) read(stdin io.Reader) (string, error) {
	text, from, err := f.text(stdin)
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", failure.Misuse(from+" holds no token: it is empty", "%s", f.advice())
	case len(text) > maxToken:
		return "", failure.Misuse(fmt.Sprintf("%s holds more than %d KiB: that is no token", from, maxToken>>10),
			"%s", f.advice())
	}
	return text, nil
}

func (f tokenFlags) advice() string {
	return cmp.Or(f.todo, "give a token by --token-file FILE, or by --token - on standard input")
}

func (f tokenFlags) text(stdin io.Reader) (text, from string, err error) {
	switch {
	case f.has("token", f.token) && f.has("token-file", f.file):
		return "", "", failure.Misuse("--token and --token-file are both given", "give one of them")
	case f.token == "-":
		text, err := readAll(stdin)
		if err != nil {
			return "", "", failure.Wrap(failure.Failed, err, "standard input cannot be read: "+err.Error(), f.advice())
		}
		return text, "standard input", nil
	case !f.has("token-file", f.file):
		return f.token, "--token", nil
	}
	file, err := os.Open(f.file)
	if err == nil {
		defer file.Close()
		text, err = readAll(file)
	}
	if err != nil {
		return "", "", failure.Wrap(failure.Misused, err, "the token file cannot be read: "+err.Error(), "have --token-file name a file that holds a token")
	}
	return text, f.file, nil
}

func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxToken+2))
	return string(text), err
}
