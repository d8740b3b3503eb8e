package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/failure"
)

func TestUsedWrongly(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.signIn(l.file("keychain", "y.json"), "prod")
	for line, want := range map[string][2]string{
		"frobnicate":                       {`there is no command "frobnicate"`, "nsc --help"},
		"worksapce":                        {`there is no command "worksapce"; did you mean workspace?`, "nsc workspace --help"},
		"auth whoam":                       {`there is no command "auth whoam"; did you mean whoami?`, "nsc auth whoami --help"},
		"auth issue":                       {`"auth issue"; did you mean issue-id-token?`, "nsc auth issue-id-token --help"},
		"auth frobnicate --at all":         {`there is no command "auth frobnicate"`, "nsc auth --help"},
		"help auth whoam":                  {`did you mean whoami?`, "nsc auth whoami --help"},
		"auth whoami now":                  {`nsc auth whoami takes no argument "now"`, "nsc auth whoami --help"},
		"workspace create a b":             {`"b" is one too many`, "nsc workspace create --help"},
		"auth issue-id-token --audiense x": {"has no flag --audiense; did you mean --audience?", "nsc auth issue-id-token --help"},
		"auth trust-relationships add --defualt_token_duration 1h": {"did you mean --default-token-duration?", "--help"},
		"auth whoami -z":                                                                               {"has no flag -z", "nsc auth whoami --help"},
		"auth whoami --url":                                                                            {"--url has no value", "nsc auth whoami --help"},
		"auth whoami -o yaml":                                                                          {`there is no output format "yaml"`, "-o text or -o json"},
		"version -o jsn":                                                                               {`"jsn"; did you mean json?`, "-o text or -o json"},
		"auth issue-id-token":                                                                          {"--audience is missing", "nsc auth issue-id-token --audience https://"},
		"auth issue-id-token --audience x --alg none":                                                  {`no workspace signs with "none"`, "ES256, RS256 or EdDSA"},
		"auth issue-id-token --audience x --duration 5y":                                               {`the value of --duration, "5y", is not accepted: it is not a duration`, "1d or 2w"},
		"auth exchange-oidc-token":                                                                     {"the token is missing", "--token-file FILE"},
		"auth exchange-oidc-token --token a --token-file b":                                            {"--token and --token-file are both given", "one of them"},
		"auth exchange-oidc-token --token - ":                                                          {"standard input holds no token: it is empty", "--token-file FILE"},
		"auth exchange-oidc-token --token-file /none":                                                  {"the token file cannot be read", "--token-file"},
		"auth exchange-oidc-token --token x --workspace ../x":                                          {`the value of --workspace, "../x", is not a name`, "a name must be"},
		"auth exchange-oidc-token --token x --keychain ../x":                                           {`the value of --keychain, "../x", is not a name`, "a name must be"},
		"auth exchange-oidc-token --token x --url nsc":                                                 {`"nsc" is not the URL of a server`, "https://"},
		"auth exchange-oidc-token --token x --url http://a.example.com":                                {"plain HTTP to another machine", "use https"},
		"auth inspect a --token b":                                                                     {"a token is given as an argument and by a flag", "one of them"},
		"auth trust-relationships add":                                                                 {"--issuer is missing", "--issuer https://"},
		"auth trust-relationships remove":                                                              {"the trust relationship's ID is missing", "list"},
		"auth trust-relationships remove a --id b":                                                     {"two IDs are given", "one of them"},
		"auth trust-relationships update a --enabled --disabled":                                       {"both given", "one of them"},
		"auth trust-relationships add --issuer i --grant {}":                                           {"the grant {} has no", "--grant '{"},
		"auth trust-relationships add --issuer i --grant x":                                            {"the grant x is not accepted", "--grant '{"},
		`auth trust-relationships add --issuer i --grant {"type":"x"}`:                                 {`unknown field "type"`, "--grant '{"},
		"auth trust-relationships add --issuer i --map groups":                                         {`the mapping "groups" is not accepted`, "--map 'groups=claims.groups'"},
		"auth trust-relationships add --issuer i --jwks-file f":                                        {"--jwks-not-after is missing", "30d"},
		"auth trust-relationships add --issuer i --jwks-not-after 1d":                                  {"without --jwks-file", "--jwks-file FILE"},
		"auth trust-relationships add --issuer i --jwks-file f --jwks-url u --jwks-not-after 1d":       {"exclude each other", "one of them"},
		"auth trust-relationships add --issuer i --jwks-file f --issuer-ca-file c --jwks-not-after 1d": {"--issuer-ca-file is given with --jwks-file", "leave out"},
		"auth trust-relationships add --issuer i":                                                      {"--subject-match is missing", "--subject-match 'repo:acme/app:*'"},
		"auth issue-id-token --audience a --audience b":                                                {"--audience is given twice", "give it once"},
		"auth issue-id-token --audience a --audience=a":                                                {"--audience is given twice", "give it once"},
		"auth issue-id-token --audience a --duration 1m --duration 2m":                                 {"--duration is given twice", "give it once"},
		"auth whoami --workspace a --tenant_id b":                                                      {"--workspace is given twice", "give it once"},
		"auth exchange-oidc-token --token s3cret --token s3cret":                                       {"--token is given twice", "give it once"},
		"version -o json -o text":                                                                      {"--output is given twice", "give it once"},
		"audit search --limit 1 --limit 2":                                                             {"--limit is given twice", "give it once"},
		"cutoff":                                                                                       {"nothing is named that could be cut off", "--trust, --token"},
		"cutoff --trust a --token b":                                                                   {"--trust and --token are both given", "one thing at a time"},
		"cutoff --key a --subject b":                                                                   {"--key and --subject are both given", "one thing at a time"},
		"cutoff --token a --issuer b --subject c":                                                      {"--token and --issuer are both given", "alone or with its --subject"},
		"cutoff --token -":                                                                             {"standard input holds no token: it is empty", "give it by --token, or on standard input"},
		"token revoke -":                                                                               {"standard input holds no token: it is empty", "give the token's secret on standard input, or its ID"},
		"keys rotate --key-id x":                                                                       {"--key-id is given without --compromised", "leave out --key-id"},
		"audit search --since yesterday":                                                               {"neither a time nor a duration", "2026-01-31T12:00:00Z"},
		"audit search --since 1h --until 2h":                                                           {"--since is not before --until", "exchange"},
		"audit search --limit -1":                                                                      {"--limit is negative", "0 for all"},
		"workspace create":                                                                             {"the workspace's name is missing", "nsc workspace create NAME"},
		"workspace create x --owner-issuer i":                                                          {"half of the owner is missing", "together"},
		"workspace describe a/b":                                                                       {"is not the name of a workspace", "must be"},
		"completion":                                                                                   {"the shell's name is missing", "nsc completion bash"},
		"completion bsh":                                                                               {`there is no completion for "bsh"; did you mean bash?`, "bash, fish"},
		"admin reseal":                                                                                 {"--new-key-file is missing", "name the file"},
		"config check --config /none":                                                                  {"no such file", "nsc config check"},
		"server --listen nowhere":                                                                      {"is not an address and port", "nsc config check"},
		"dev --listen 0.0.0.0:8740":                                                                    {"loopback only", "nsc config check"},
		`auth exchange-oidc-token --token ""`:                                                          {"--token holds no token: it is empty", "--token-file FILE"},
		`auth inspect ""`:                                                                              {"was given an empty argument; it is used as: nsc auth inspect [TOKEN | -]", "leave it out"},
		`auth inspect --token ""`:                                                                      {"--token holds no token: it is empty", "--token-file FILE"},
		`auth inspect --token-file ""`:                                                                 {"the token file cannot be read", "--token-file"},
		`auth inspect --token "" --token-file a`:                                                       {"--token and --token-file are both given", "one of them"},
		"auth inspect --token-file /":                                                                  {"the token file cannot be read: read /: is a directory", "--token-file"},
		`auth trust-relationships test --token ""`:                                                     {"--token holds no token: it is empty", "--token-file FILE"},
		`auth act-for --save-as x --token "" --keychain y`:                                             {"--token holds no token: it is empty", "--token-file FILE"},
	} {
		r := l.fails(failure.Misused, want[0], words(line)...)
		if strings.Contains(r.talk, "s3cret") {
			t.Errorf("nsc %s: said %q", line, r.talk)
		}
		if !strings.Contains(r.talk, want[1]) {
			t.Errorf("nsc %s: said %q, without %q", line, r.talk, want[1])
		}
	}
	if calls := l.nsc.all(); len(calls) > 0 {
		t.Errorf("the server was called: %+v", calls)
	}
}

// words splits a command line as far as these tests need it: "" is an empty word.
func words(line string) []string {
	all := strings.Fields(line)
	for i, word := range all {
		all[i] = strings.ReplaceAll(word, `""`, "")
	}
	return all
}

func TestFlagsWithHyphensAndUnderscores(t *testing.T) {
	l := newLab(t)
	l.signIn(l.file("token.json"), "prod")
	l.nsc.answer("GET /api/v1/workspaces/far", 200, `{"name":"far"}`)
	for _, args := range [][]string{{"--tenant_id", "far"}, {"--tenant-id=far"}, {"--workspace", "far"}} {
		l.ok(append([]string{"workspace", "describe"}, args...)...)
	}
	l.nsc.answer("POST /api/v1/workspaces/prod/trust-relationships", 201, `{"id":"t"}`)
	for _, flag := range []string{"--default_token_duration", "--default-token-duration", "--default_token-duration"} {
		l.ok("auth", "trust-relationships", "add", "--issuer", "i", "--subject-match", "a:b", flag, "3600s")
		if c := l.nsc.last(); c.body["default_token_duration"] != "1h0m0s" {
			t.Errorf("%s: sent %v", flag, c.body)
		}
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	l := newLab(t)
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short help %q", cmd.CommandPath(), cmd.Short)
		}
		first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n")
		if !strings.Contains(first, "nsc ") {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		if out := l.ok(args...); !strings.Contains(out, "Usage:\n  "+cmd.CommandPath()) || !strings.Contains(out, "Examples:\n  ") {
			t.Errorf("nsc %s prints %s", strings.Join(args, " "), out)
		}
		for _, c := range cmd.Commands() {
			check(c)
		}
	}
	check(Commands())
}

// TestExamplesUseFlagsThatExist keeps the examples true.
func TestExamplesUseFlagsThatExist(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", " ")) {
			words := strings.Fields(line)
			if len(words) == 0 || words[0] != "nsc" {
				continue
			}
			found, rest, err := Commands().Find(words[1:])
			if err != nil {
				t.Errorf("%q: %v", line, err)
				continue
			}
			for _, word := range rest {
				name, isFlag := strings.CutPrefix(word, "--")
				if name, _, _ = strings.Cut(name, "="); isFlag && name != "" && name != "help" && found.Flag(string(normalFlag(nil, name))) == nil {
					t.Errorf("%q: %s has no flag --%s", line, found.CommandPath(), name)
				}
				if strings.HasPrefix(word, "|") || word == "||" {
					break
				}
			}
		}
		for _, c := range cmd.Commands() {
			check(c)
		}
	}
	check(Commands())
}

func TestLocalCommandsHideServerFlags(t *testing.T) {
	l := newLab(t)
	if out := l.ok("version", "--help"); strings.Contains(out, "--url") || !strings.Contains(out, "--output") {
		t.Errorf("%s", out)
	}
	if out := l.ok("auth", "whoami", "--help"); !strings.Contains(out, "--url") || !strings.Contains(out, "--keychain") {
		t.Errorf("%s", out)
	}
}

func TestCompletion(t *testing.T) {
	l := newLab(t)
	for _, shell := range shellNames {
		if out := l.ok("completion", shell); !strings.Contains(out, "nsc") {
			t.Errorf("%s: %q", shell, out)
		}
	}
	if out := l.ok("__complete", "auth", "issue-id-token", "--alg", ""); !strings.Contains(out, "EdDSA") {
		t.Errorf("%q", out)
	}
}
