package clouds

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
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
