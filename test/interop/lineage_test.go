package interop

import (
	"net/http"
	"testing"
	"time"
)

// Rule 5: nsc tokens carry root_iat and depth, nsc issuers carry them on, and refuse federated nsc tokens without them or
// beyond twelve hours and a depth of four; derived tokens shrink.

const deepest = 4

// wantLineage demands when the chain of a token began, and how deep it is.
func wantLineage(t *testing.T, token string, root int64, depth int) {
	t.Helper()
	if c := read(t, token); c.RootIssuedAt != root || c.Depth != depth {
		t.Errorf("root_iat %d, depth %d; want %d, %d", c.RootIssuedAt, c.Depth, root, depth)
	}
}

// A job's token goes to and fro between two servers that trust each other without limit, until its chain is too long.
func TestRule05ChainEndsAtDepthFour(t *testing.T) {
	l := openLab(t)
	for direction, d := range l.directions() {
		t.Run(direction, func(t *testing.T) {
			here, there := d.home.newWorkspace(t), d.abroad.newWorkspace(t)
			here.trust(t, l.platform.issuer(), job, issueFor(there.Issuer))
			here.trust(t, there.issuer(), "workspace/"+there.ID+"/external/*", issueFor(there.Issuer))
			there.trust(t, here.issuer(), "workspace/"+here.ID+"/external/*", issueFor(here.Issuer))

			token := l.platform.token(t, job, here.Issuer, nil)
			var root int64
			for depth := range deepest + 1 {
				token = here.exchange(t, token, want{kind: idToken, audience: there.Issuer}).mustIssue(t)
				if depth == 0 {
					root = read(t, token).IssuedAt
				}
				wantLineage(t, token, root, depth)
				here, there = there, here
			}
			here.exchange(t, token, want{kind: accessToken}).wantError(t, http.StatusBadRequest, "invalid_request")
			onwards := want{kind: idToken, audience: there.Issuer}
			here.exchange(t, token, onwards).wantError(t, http.StatusBadRequest, "invalid_request")
		})
	}
}

// Tokens that another issuer made to look like nsc's are held to the same: here the platform plays that issuer.
func TestRule05FederatedTokens(t *testing.T) {
	l := openLab(t)
	w := l.plain.newWorkspace(t)
	const subject = "workspace/elsewhere/workload/deploy"
	w.trust(t, l.platform.issuer(), subject, jobGrants...)
	w.trust(t, l.platform.issuer(), job, jobGrants...)
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	several := lineage(ago(time.Hour), 0)
	several["aud"] = []string{w.Issuer, orders}
	for rule, c := range map[string]struct {
		subject string
		claims  map[string]any
		admit   bool
	}{
		"complete":               {subject, lineage(ago(time.Hour), 0), true},
		"at the last depth":      {subject, lineage(ago(time.Hour), deepest-1), true},
		"nearly twelve hours":    {subject, lineage(ago(12*time.Hour-time.Minute), 0), true},
		"beyond the last depth":  {subject, lineage(ago(time.Hour), deepest), false},
		"far beyond it":          {subject, lineage(ago(time.Hour), 1<<40), false},
		"below any depth":        {subject, lineage(ago(time.Hour), -1), false},
		"beyond twelve hours":    {subject, lineage(ago(12*time.Hour+2*time.Minute), 0), false},
		"root in the future":     {subject, lineage(ago(-10*time.Minute), 0), false},
		"without a root":         {subject, lineage(nil, 0), false},
		"without a depth":        {subject, lineage(ago(time.Hour), nil), false},
		"depth that is text":     {subject, lineage(ago(time.Hour), "0"), false},
		"root that is text":      {subject, lineage("2026-01-01T00:00:00Z", 0), false},
		"nsc by its subject":     {subject, nil, false},
		"nsc by its workspace":   {job, map[string]any{"workspace_id": "elsewhere"}, false},
		"nsc by its depth alone": {job, map[string]any{"depth": 0}, false},
		"for several audiences":  {subject, several, false}, // rule 1
		"not nsc at all":         {job, nil, true},
	} {
		t.Run(rule, func(t *testing.T) {
			a := w.exchange(t, l.platform.token(t, c.subject, w.Issuer, c.claims), want{kind: accessToken})
			if !c.admit {
				a.wantError(t, http.StatusBadRequest, "invalid_request")
				return
			}
			token := a.mustIssue(t)
			if c.claims == nil { // a chain begins here
				wantLineage(t, token, read(t, token).IssuedAt, 0)
			} else {
				wantLineage(t, token, c.claims["root_iat"].(int64), c.claims["depth"].(int)+1)
			}
		})
	}
}

// lineage are the claims of an nsc token; a nil one is left out.
func lineage(root, depth any) map[string]any {
	return map[string]any{"workspace_id": "elsewhere", "workspace": "elsewhere", "root_iat": root, "depth": depth}
}

// Abroad a workload has what the trust there grants, and of that what it asked for; no later exchange gives more.
func TestRule05FederationNeverWidens(t *testing.T) {
	l := openLab(t)
	for direction, d := range l.directions() {
		t.Run(direction, func(t *testing.T) {
			home, abroad := d.home.newWorkspace(t), d.abroad.newWorkspace(t)
			abroad.trust(t, home.issuer(), home.subject(t), jobGrants...) // at home it is the administrator's
			shown := home.issue(t, idToken, abroad.Issuer)
			whole := abroad.exchange(t, shown, want{kind: accessToken})
			if whole.mustIssue(t); !sameDetails(whole.Details, jobDetails) {
				t.Errorf("granted %v, the trust says %v", whole.Details, jobDetails)
			}
			narrow := abroad.exchange(t, shown, details(`[{"type":"workspace","identifier":"trust","actions":["read"]}]`))
			if narrow.mustIssue(t); !sameDetails(narrow.Details, jobDetails[:1]) {
				t.Errorf("granted %v, asked for %v", narrow.Details, jobDetails[:1])
			}
			for asked, c := range map[string]struct {
				token string
				want  want
				code  string
			}{
				"administration, by the token shown":   {shown, details(administration), "invalid_authorization_details"},
				"administration, by the token got":     {whole.Token, details(administration), "invalid_authorization_details"},
				"another audience, by the token shown": {shown, want{kind: idToken, audience: payments}, "invalid_target"},
				"another audience, by the token got":   {whole.Token, want{kind: idToken, audience: payments}, "invalid_target"},
				"a way back that nobody granted":       {whole.Token, want{kind: idToken, audience: home.Issuer}, "invalid_target"},
				"what was left out":                    {narrow.Token, want{kind: idToken, audience: orders}, "invalid_target"},
				"what was left out, in details": {narrow.Token,
					details(`[{"type":"audience","identifier":"` + orders + `","actions":["issue"]}]`), "invalid_authorization_details"},
				"what was left out, as a scope": {narrow.Token,
					want{kind: accessToken, more: []string{"scope", "audience:issue"}}, "invalid_scope"},
			} {
				t.Run(asked, func(t *testing.T) {
					abroad.exchange(t, c.token, c.want).wantError(t, http.StatusBadRequest, c.code)
				})
			}
		})
	}
}

const administration = `[{"type":"workspace","identifier":"*","actions":["admin"]}]`

func details(text string) want {
	return want{kind: accessToken, more: []string{"authorization_details", text}}
}

// What is derived from an nsc token ends no later than that, whatever is asked for.
func TestRule05DerivedTokensEndNoLater(t *testing.T) {
	l := openLab(t)
	w := l.plain.dev
	short := w.exchange(t, w.bearer(t), want{kind: accessToken, more: []string{"expires_in", "100"}}).mustIssue(t)
	for name, asked := range map[string]want{
		"access token for the issuer": {kind: accessToken, more: []string{"expires_in", "3600"}},
		"access token for a service":  {kind: accessToken, audience: orders, more: []string{"expires_in", "3600"}},
		"ID token":                    {kind: idToken, audience: orders, more: []string{"expires_in", "3600"}},
		"ID token by default":         {kind: idToken, audience: orders},
	} {
		t.Run(name, func(t *testing.T) {
			derived := w.exchange(t, short, asked).mustIssue(t)
			if got, limit := read(t, derived).ExpiresAt, read(t, short).ExpiresAt; got > limit {
				t.Errorf("ends %d seconds after the token that it was derived from", got-limit)
			}
		})
	}
}

// A workspace's own issuer is nobody that it can trust, and a token for another issuer opens nothing at home.
func TestRule05NoFederationWithOneself(t *testing.T) {
	l := openLab(t)
	w := l.plain.newWorkspace(t)
	_, err := w.server.admin.output(t.Context(), "auth", "trust-relationships", "add", "--workspace", w.Name,
		"--issuer", w.Issuer, "--subject-match", "workspace/"+w.ID+"/external/*",
		"--grant", `{"resource_type":"workspace","resource_id":"*","actions":["admin"]}`)
	if err == nil {
		t.Error("the workspace trusts itself")
	}
	outbound := w.issue(t, idToken, l.secure.dev.Issuer)
	w.exchange(t, outbound, want{kind: accessToken}).wantError(t, http.StatusBadRequest, "invalid_request")
}
