package clouds

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const awsGuide guide = "aws.md"

const (
	awsAudience = "sts.amazonaws.com"
	awsRole     = "arn:aws:iam::123456789012:role/deployer"
)

// provider is the SDK's web identity provider over a token file.
func (a *awsAccount) provider(tokenFile string) *stscreds.WebIdentityRoleProvider {
	client := sts.New(sts.Options{Region: "eu-central-1", BaseEndpoint: aws.String(a.server.URL), RetryMaxAttempts: 1})
	return stscreds.NewWebIdentityRoleProvider(client, awsRole, stscreds.IdentityTokenFile(tokenFile))
}

// wantSession demands that the credentials are those that were given last, to the workload of the guide.
func (a *awsAccount) wantSession(t *testing.T, r *reader, c aws.Credentials) {
	t.Helper()
	s := a.last(t)
	if c.AccessKeyID != s.key || c.SecretAccessKey != s.secret || c.SessionToken != s.token || !c.Expires.Equal(s.expires) {
		t.Errorf("got %+v, given were %+v", c, s)
	}
	if want := r.deployer.subject(t); s.claims.Subject != want || s.role != awsRole {
		t.Errorf("given to %q for %q, want %q for %q", s.claims.Subject, s.role, want, awsRole)
	}
}

// The guide's token file and variables are all that the SDK needs. It reads the file again for new credentials.
func TestAWSReadsTheTokenFile(t *testing.T) {
	r := follow(t, awsGuide)
	account := openAWS(t, r)
	r.installTokenFile(t)
	r.become(t, r.deployer, "environment")
	t.Setenv("AWS_ENDPOINT_URL_STS", account.server.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 2 {
		r.perform(t, r.deployer.cli, "renew")
		got, err := c.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		account.wantSession(t, r, got)
		if got.Source != stscreds.WebIdentityProviderName {
			t.Errorf("the credentials are from %s", got.Source)
		}
		seen[account.last(t).claims.ID] = true
		c.Credentials.(*aws.CredentialsCache).Invalidate()
	}
	if len(seen) != 2 {
		t.Error("the second token was not the file's second one")
	}
}

// requireCurl skips the test where the machine lacks what the guide's script needs.
func requireCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the test needs Debian's package curl")
		}
		t.Skip("the test needs Debian's package curl")
	}
}

// The guide's script and profile are all that the SDK needs.
func TestAWSRunsTheCredentialProcess(t *testing.T) {
	requireCurl(t)
	r := follow(t, awsGuide)
	account := openAWS(t, r)
	r.install(t, "nsc-aws-credentials")
	r.become(t, r.deployer, "environment")
	for _, name := range []string{"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME"} {
		_ = os.Unsetenv(name) // become restores them
	}
	t.Setenv("AWS_ENDPOINT_URL_STS", account.server.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", r.copyFile(t, "config"))
	t.Setenv("AWS_PROFILE", "deployer")
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account.wantSession(t, r, got)
	if got.Source != "ProcessProvider" || account.last(t).name != "deployer" {
		t.Errorf("the credentials are from %s, for the session %s", got.Source, account.last(t).name)
	}
}

// The script signs in by itself where nobody is signed in, and says what AWS says where that refuses.
func TestAWSCredentialProcessExplains(t *testing.T) {
	requireCurl(t)
	r := follow(t, awsGuide)
	account := openAWS(t, r)
	script := r.install(t, "nsc-aws-credentials")
	run := func(role string) (string, string, error) {
		pod := r.newWorkload(t)
		cmd := exec.CommandContext(t.Context(), script, role)
		cmd.Env = pod.cli.with("AWS_ENDPOINT_URL_STS=" + account.server.URL).env
		var said strings.Builder
		cmd.Stderr = &said
		printed, err := cmd.Output()
		return string(printed), said.String(), err
	}
	if printed, said, err := run(awsRole); err != nil || !strings.Contains(printed, account.last(t).key) {
		t.Errorf("%v: %q, %s", err, printed, said)
	}
	printed, said, err := run("arn:aws:iam::123456789012:role/administrator")
	if err == nil || printed != "" || !strings.Contains(said, "Not authorized to perform sts:AssumeRoleWithWebIdentity") {
		t.Errorf("%v: %q, %s", err, printed, said)
	}
}

// What the guide's provider and trust policy keep out, and in which words.
func TestAWSRefuses(t *testing.T) {
	r := follow(t, awsGuide)
	account := openAWS(t, r)
	want := map[string]string{
		otherAudience:    "InvalidIdentityToken: Incorrect token audience",
		otherSubject:     "AccessDenied: Not authorized",
		otherWorkspace:   "InvalidIdentityToken: No OpenIDConnect provider found",
		claimedWorkspace: "InvalidIdentityToken: signature",
		changedSubject:   "InvalidIdentityToken: signature",
		changedAudience:  "InvalidIdentityToken: signature",
		changedEnd:       "InvalidIdentityToken: signature",
		unknownKey:       "InvalidIdentityToken: signature",
		noSignature:      "InvalidIdentityToken: algorithm",
		accessToken:      "InvalidIdentityToken: Incorrect token audience",
		withNewline:      "InvalidIdentityToken: form",
		ofOtherAlgorithm: "InvalidIdentityToken: algorithm",
	}
	wrong := r.wrongTokens(t, awsAudience)
	wrong[ofOtherAlgorithm] = r.inEdDSA(t, awsAudience)
	for what, token := range wrong {
		t.Run(what, func(t *testing.T) { account.wantRefused(t, token, want[what]) })
	}
	account.wantAdmitted(t, r.deployer.issue(t, awsAudience, "--alg", "RS256"))
	good := r.deployer.issue(t, awsAudience)
	account.wantAdmitted(t, good)
	account.passTime(time.Hour)
	account.wantRefused(t, good, "ExpiredTokenException")
}

// Neither the audience nor the subject is enough by itself: a policy without one of the guide's two lines admits more.
func TestAWSPolicyNeedsBothConditions(t *testing.T) {
	r := follow(t, awsGuide)
	account := openAWS(t, r)
	stranger := r.wrongTokens(t, awsAudience)[otherSubject]
	account.wantRefused(t, stranger, "AccessDenied")
	conditions := account.roles[awsRole].Statement[0].Condition["StringEquals"]
	if len(conditions) != 2 {
		t.Fatalf("conditions %v", conditions)
	}
	for key := range conditions {
		if strings.HasSuffix(key, ":sub") {
			delete(conditions, key)
		}
	}
	account.wantAdmitted(t, stranger)
}

func (a *awsAccount) wantAdmitted(t *testing.T, token string) {
	t.Helper()
	if _, err := a.provider(tokenFile(t, token)).Retrieve(t.Context()); err != nil {
		t.Error(err)
	}
}

// wantRefused demands an error of the API that begins with the code and the words.
func (a *awsAccount) wantRefused(t *testing.T, token, words string) {
	t.Helper()
	_, err := a.provider(tokenFile(t, token)).Retrieve(t.Context())
	failed, ok := errors.AsType[smithy.APIError](err)
	if !ok || words == "" || !strings.HasPrefix(failed.ErrorCode()+": "+failed.ErrorMessage(), words) {
		t.Errorf("%v, want %q", err, words)
	}
}

// tokenFile writes a token into a file as it is.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
