package kubernetes

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	tokenExchange   = "urn:ietf:params:oauth:grant-type:token-exchange" // RFC 8693, section 2.1
	jwtType         = "urn:ietf:params:oauth:token-type:jwt"            // and section 3
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
	idTokenType     = "urn:ietf:params:oauth:token-type:id_token"
)

// An exchanged is the answer of the token endpoint (RFC 8693, section 2.2.1, and RFC 6749, section 5.2).
type exchanged struct {
	Token   string `json:"access_token"`
	Issued  string `json:"issued_token_type"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Error   string `json:"error"`
}

func TestServiceAccountTokenSignsIn(t *testing.T) {
	l := openLab(t)
	for name, w := range map[string]workspace{"keys by discovery": l.dev, "keys uploaded": l.other} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			cli := l.signIn(t, w, home)
			wantAccessToken(t, storedToken(t, home), w)
			wantIDToken(t, issueIDToken(t, cli, "kubernetes"), w, "kubernetes", l.group())
			cli.refused(t, "auth", "issue-id-token", "--audience", "nobody-granted-this")
		})
	}
}

func TestServiceAccountTokenAtTokenEndpoint(t *testing.T) {
	l := openLab(t)
	for name, w := range map[string]workspace{"keys by discovery": l.dev, "keys uploaded": l.other} {
		t.Run(name, func(t *testing.T) {
			token := l.cluster.serviceAccountToken(t, "deployer", w.Issuer)
			access := l.mustExchange(t, w, accessToken(token))
			if access.Issued != accessTokenType || access.Type != "Bearer" || access.Expires <= 0 {
				t.Errorf("issued %q of type %q for %d s", access.Issued, access.Type, access.Expires)
			}
			wantAccessToken(t, access.Token, w)
			id := l.mustExchange(t, w, idToken(access.Token, accessTokenType, "kubernetes"))
			if id.Issued != idTokenType || id.Type != "N_A" {
				t.Errorf("issued %q of type %q", id.Issued, id.Type)
			}
			wantIDToken(t, id.Token, w, "kubernetes", l.group())
		})
	}
}

// One step suffices where a workload wants nothing but the ID token.
func TestServiceAccountTokenBecomesIDTokenAtOnce(t *testing.T) {
	l := openLab(t)
	token := l.cluster.serviceAccountToken(t, "deployer", l.dev.Issuer)
	id := l.mustExchange(t, l.dev, idToken(token, jwtType, "kubernetes"))
	wantIDToken(t, id.Token, l.dev, "kubernetes", l.group())
}

func TestServiceAccountTokenIsRefused(t *testing.T) {
	l := openLab(t)
	for name, token := range map[string]string{
		"account that nobody trusts":       l.cluster.serviceAccountToken(t, "bystander", l.dev.Issuer),
		"minted for another workspace":     l.cluster.serviceAccountToken(t, "deployer", l.other.Issuer),
		"minted for the API server itself": l.cluster.serviceAccountToken(t, "deployer", ""),
		"issuer that nobody trusts":        l.loose.token(t, "system:serviceaccount:apps:deployer"),
		"signature of another account's":   grafted(t, l),
		"not a token":                      "deployer",
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := l.exchange(t, l.dev, accessToken(token))
			if status != http.StatusBadRequest || answer.Error != "invalid_request" || answer.Token != "" {
				t.Errorf("status %d, error %q, token %q", status, answer.Error, answer.Token)
			}
			cli := l.nsc.signedOut(t)
			cli.refused(t, "auth", "exchange-oidc-token", "--workspace", l.dev.Name, "--token-file", tokenFile(t, token))
			cli.refused(t, "auth", "issue-id-token", "--audience", "kubernetes")
		})
	}
}

// grafted is the deployer's claims under the signature of the bystander's.
func grafted(t *testing.T, l *lab) string {
	t.Helper()
	deployer := l.cluster.serviceAccountToken(t, "deployer", l.dev.Issuer)
	bystander := l.cluster.serviceAccountToken(t, "bystander", l.dev.Issuer)
	return deployer[:strings.LastIndex(deployer, ".")] + bystander[strings.LastIndex(bystander, "."):]
}

// signIn exchanges the deployer's token by the command line and returns the CLI that is now signed in. Nothing names
// the workspace: the token's audience does.
func (l *lab) signIn(t *testing.T, w workspace, home string) program {
	t.Helper()
	cli := l.nsc.cli.withEnv("HOME=" + home)
	token := l.cluster.serviceAccountToken(t, "deployer", w.Issuer)
	if printed := cli.run(t, "auth", "exchange-oidc-token", "--token-file", tokenFile(t, token)); printed != w.Name+"\n" {
		t.Fatalf("signed in to %q, not %s", printed, w.Name)
	}
	return cli
}

// issueIDToken demands the bare token and a newline, as a shell's substitution does.
func issueIDToken(t *testing.T, cli program, audience string) string {
	t.Helper()
	printed := cli.run(t, "auth", "issue-id-token", "--audience", audience)
	token := firstLine(printed)
	if printed != token+"\n" {
		t.Fatalf("printed more than a token: %q", printed)
	}
	return token
}

func accessToken(subjectToken string) url.Values {
	return url.Values{
		"grant_type":           {tokenExchange},
		"subject_token":        {subjectToken},
		"subject_token_type":   {jwtType},
		"requested_token_type": {accessTokenType},
	}
}

func idToken(subjectToken, subjectTokenType, audience string) url.Values {
	return url.Values{
		"grant_type":           {tokenExchange},
		"subject_token":        {subjectToken},
		"subject_token_type":   {subjectTokenType},
		"requested_token_type": {idTokenType},
		"audience":             {audience},
	}
}

func (l *lab) exchange(t *testing.T, w workspace, form url.Values) (status int, answer exchanged) {
	t.Helper()
	status, body, err := post(t.Context(), l.nsc.client, w.Issuer+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, body, &answer)
	return status, answer
}

func (l *lab) mustExchange(t *testing.T, w workspace, form url.Values) exchanged {
	t.Helper()
	status, answer := l.exchange(t, w, form)
	if status != http.StatusOK {
		t.Fatalf("status %d, error %q", status, answer.Error)
	}
	return answer
}

// wantAccessToken checks an access token for nsc itself.
func wantAccessToken(t *testing.T, token string, w workspace) {
	t.Helper()
	typ, c := read(t, token)
	if typ != "at+jwt" || c.Issuer != w.Issuer || !slices.Equal(c.Audience, audience{w.Issuer}) {
		t.Errorf("typ %q, issuer %q, audience %q", typ, c.Issuer, c.Audience)
	}
}

func wantIDToken(t *testing.T, token string, w workspace, forWhom string, groups ...string) {
	t.Helper()
	typ, c := read(t, token)
	if typ != "JWT" || c.Issuer != w.Issuer || !slices.Equal(c.Audience, audience{forWhom}) || !slices.Equal(c.Groups, groups) {
		t.Errorf("typ %q, issuer %q, audience %q, groups %q", typ, c.Issuer, c.Audience, c.Groups)
	}
}

// storedToken reads the access token that signing in left in the user's file, which only the user may read.
func storedToken(t *testing.T, home string) string {
	t.Helper()
	path := filepath.Join(home, ".config", "ns", "token.json")
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if file.Mode().Perm() != 0o600 {
		t.Errorf("%s has mode %v", path, file.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Bearer string `json:"bearer_token"`
	}
	decode(t, string(text), &stored)
	return stored.Bearer
}

// tokenFile writes a token as a workload finds it.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
