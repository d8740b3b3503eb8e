package clouds

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An awsAccount stands in for one AWS account's IAM and STS. It knows the operation AssumeRoleWithWebIdentity.
type awsAccount struct {
	id        string
	server    *httptest.Server
	providers map[string]*awsProvider // by issuer
	roles     map[string]trustPolicy  // by ARN

	mu       sync.Mutex
	sessions []awsSession
}

// An awsProvider is an IAM OIDC identity provider.
type awsProvider struct {
	*relyingParty
	clientIDs []string
}

// An awsSession is what was given to whom.
type awsSession struct {
	claims  claims
	name    string
	role    string
	key     string
	secret  string
	token   string
	expires time.Time
}

// An awsError is in AWS's words.
type awsError struct {
	status        int
	code, message string
}

// openAWS makes an account by the commands of the guide.
func openAWS(t *testing.T, r *reader) *awsAccount {
	t.Helper()
	a := &awsAccount{id: "123456789012", providers: map[string]*awsProvider{}, roles: map[string]trustPolicy{}}
	create := mustFind(t, r.perform(t, r.deployer.cli, "provider"), "aws", "iam", "create-open-id-connect-provider")
	issuer := create.flag("url")
	a.providers[issuer] = &awsProvider{
		newRelyingParty(t, r.lab.server.client, issuer, "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"),
		strings.Split(create.flag("client-id-list"), ","),
	}
	r.copyFile(t, "trust-policy.json")
	role := mustFind(t, r.perform(t, r.deployer.cli, "role"), "aws", "iam", "create-role")
	document := strings.TrimPrefix(role.flag("assume-role-policy-document"), "file://")
	a.roles["arn:aws:iam::"+a.id+":role/"+role.flag("role-name")] = readTrustPolicy(t, filepath.Join(r.dir, document))
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	return a
}

// passTime moves the account's clock.
func (a *awsAccount) passTime(d time.Duration) {
	for _, p := range a.providers {
		p.later = d
	}
}

func readTrustPolicy(t *testing.T, path string) trustPolicy {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 2048 {
		t.Errorf("the trust policy has %d characters; IAM takes 2048", len(text))
	}
	var p trustPolicy
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (a *awsAccount) serve(w http.ResponseWriter, r *http.Request) {
	session, failed := awsSession{}, &awsError{http.StatusBadRequest, "InvalidAction", "Could not find operation"}
	if r.Method == http.MethodPost && r.FormValue("Action") == "AssumeRoleWithWebIdentity" && r.FormValue("Version") == "2011-06-15" {
		session, failed = a.assume(r.Context(), r.FormValue("RoleArn"), r.FormValue("RoleSessionName"), r.FormValue("WebIdentityToken"))
	}
	w.Header().Set("Content-Type", "text/xml")
	if failed != nil {
		w.WriteHeader(failed.status)
		_ = xml.NewEncoder(w).Encode(failed.document()) // the other side went away
		return
	}
	_ = xml.NewEncoder(w).Encode(session.document())
}

// assume does what STS does: it finds the provider by the issuer, verifies, looks for the audience among the provider's
// clients, and asks the role's trust policy.
func (a *awsAccount) assume(ctx context.Context, role, name, raw string) (awsSession, *awsError) {
	invalid := func(message string) (awsSession, *awsError) {
		return awsSession{}, &awsError{http.StatusBadRequest, "InvalidIdentityToken", message}
	}
	denied := &awsError{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	issuer, err := unverifiedIssuer(raw)
	if err != nil {
		return invalid("The ID Token provided is not a valid JWT.")
	}
	provider := a.providers[issuer]
	if provider == nil {
		return invalid("No OpenIDConnect provider found in your account for " + issuer)
	}
	token, err := provider.verify(ctx, raw)
	switch {
	case refused(err) == inTime:
		return awsSession{}, &awsError{http.StatusBadRequest, "ExpiredTokenException", "Token expired"}
	case err != nil:
		return invalid(err.Error())
	case len(token.Audience) != 1 || !slices.Contains(provider.clientIDs, token.Audience[0]):
		return invalid("Incorrect token audience")
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return invalid(err.Error())
	}
	policy, ok := a.roles[role]
	if !ok || !policy.allows("arn:aws:iam::"+a.id+":oidc-provider/"+strings.TrimPrefix(issuer, "https://"), c) {
		return awsSession{}, denied
	}
	return a.give(c, role, name), nil
}

func (a *awsAccount) give(c claims, role, name string) awsSession {
	s := awsSession{c, name, role, "ASIA" + rand.Text()[:16], rand.Text(), rand.Text(), time.Now().Add(time.Hour).UTC().Truncate(time.Second)}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions = append(a.sessions, s)
	return s
}

// last returns the session that was given last.
func (a *awsAccount) last(t *testing.T) awsSession {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) == 0 {
		t.Fatal("no credentials were given")
	}
	return a.sessions[len(a.sessions)-1]
}

// A trustPolicy is a role's, as far as the guide needs the language.
type trustPolicy struct {
	Version   string
	Statement []struct {
		Effect    string
		Principal struct{ Federated string }
		Action    string
		Condition map[string]map[string]string // operator, key, value
	}
}

// allows evaluates the policy for a token of a provider. An operator that it does not know admits nothing.
func (p trustPolicy) allows(providerARN string, c claims) bool {
	_, provider, _ := strings.Cut(providerARN, "oidc-provider/")
	present := map[string]string{provider + ":aud": c.Audience, provider + ":sub": c.Subject}
	for _, s := range p.Statement {
		allowed := s.Effect == "Allow" && s.Action == "sts:AssumeRoleWithWebIdentity" && s.Principal.Federated == providerARN
		for operator, conditions := range s.Condition {
			for key, value := range conditions {
				actual, ok := present[key]
				allowed = allowed && operator == "StringEquals" && ok && actual == value
			}
		}
		if allowed {
			return true
		}
	}
	return false
}

type awsErrorDocument struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	ID      string   `xml:"RequestId"`
}

func (e *awsError) document() awsErrorDocument {
	return awsErrorDocument{Type: "Sender", Code: e.code, Message: e.message, ID: rand.Text()}
}

type awsSessionDocument struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
	Subject string   `xml:"AssumeRoleWithWebIdentityResult>SubjectFromWebIdentityToken"`
	ARN     string   `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>Arn"`
	RoleID  string   `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>AssumedRoleId"`
	Token   string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
	Secret  string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
	Expires string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>Expiration"`
	Key     string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
	ID      string   `xml:"ResponseMetadata>RequestId"`
}

func (s awsSession) document() awsSessionDocument {
	return awsSessionDocument{
		Subject: s.claims.Subject, ARN: fmt.Sprintf("%s/%s", strings.Replace(s.role, ":role/", ":assumed-role/", 1), s.name),
		RoleID: "AROA:" + s.name, Token: s.token, Secret: s.secret, Expires: s.expires.Format(time.RFC3339), Key: s.key, ID: rand.Text(),
	}
}
