package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

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
}

func (f *tokenFlags) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.token, "token", "", "the `token`, or - to read it from standard input; other users of this machine can see a command line")
	cmd.Flags().StringVar(&f.file, "token-file", "", "`file` that holds the token")
}

func (f tokenFlags) given() bool { return f.token != "" || f.file != "" }

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
		return "", failure.Misuse(from+" holds no token: it is empty", "give a token by --token-file FILE, or by --token - on standard input")
	case len(text) > maxToken:
		return "", failure.Misuse(fmt.Sprintf("%s holds more than %d KiB: that is no token", from, maxToken>>10),
			"give a token by --token-file FILE, or by --token - on standard input")
	}
	return text, nil
}

func (f tokenFlags) text(stdin io.Reader) (text, from string, err error) {
	switch {
	case f.token != "" && f.file != "":
		return "", "", failure.Misuse("--token and --token-file are both given", "give one of them")
	case f.token == "-":
		text, err := readAll(stdin)
		return text, "standard input", err
	case f.token != "":
		return f.token, "--token", nil
	}
	file, err := os.Open(f.file)
	if err != nil {
		return "", "", failure.Wrap(failure.Misused, err, "the token file cannot be read: "+err.Error(), "have --token-file name a file that holds a token")
	}
	defer file.Close()
	text, err = readAll(file)
	return text, f.file, err
}

func readAll(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxToken+2))
	if err != nil {
		return "", failure.Wrap(failure.Failed, err, "the token cannot be read: "+err.Error(), "give it by --token-file FILE, or by --token - on standard input")
	}
	return string(text), nil
}
