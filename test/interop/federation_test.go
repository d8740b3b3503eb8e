package interop

import (
	"fmt"
	"net/http"
	"testing"
)

// Two servers in both roles, so that keys are fetched over HTTP and over HTTPS with a private authority.
func (l *lab) directions() map[string]struct{ home, abroad *server } {
	return map[string]struct{ home, abroad *server }{
		"HTTP to HTTPS": {l.plain, l.secure}, "HTTPS to HTTP": {l.secure, l.plain},
	}
}

// A job that one server knows reads trusts at another server and gets an ID token from it, by four standard calls.
func TestWorkloadOfOneServerActsAtAnother(t *testing.T) {
	l := openLab(t)
	client := l.openIDClient(t)
	for direction, d := range l.directions() {
		t.Run(direction, func(t *testing.T) {
			home, abroad := d.home.newWorkspace(t), d.abroad.newWorkspace(t)
			home.trust(t, l.platform.issuer(), job, issueFor(abroad.Issuer))
			atHome := client.exchange(t, home, l.platform.token(t, job, home.Issuer, nil), want{kind: accessToken}).mustIssue(t)
			abroad.trust(t, home.issuer(), read(t, atHome).Subject, jobGrants...)

			shown := client.exchange(t, home, atHome, want{kind: idToken, audience: abroad.Issuer}).mustIssue(t)
			entered := client.exchange(t, abroad, shown, want{kind: accessToken})
			wantAccessToken(t, abroad, entered)
			wantLineage(t, entered.Token, read(t, atHome).IssuedAt, 1)

			wantAtAPI(t, client, abroad, entered.Token)
			client.wantNoEntry(t, home, entered.Token)
			client.wantNoEntry(t, abroad, atHome)
			client.wantNoEntry(t, abroad, shown)

			out := client.exchange(t, abroad, entered.Token, want{kind: idToken, audience: orders}).mustIssue(t)
			wantLineage(t, out, read(t, atHome).IssuedAt, 1)
			wantAcceptedByAll(t, l, abroad, out)
		})
	}
}

// wantAtAPI demands that a job's token is good for what it grants at the management API, and for nothing else.
func wantAtAPI(t *testing.T, client openIDClient, w workspace, token string) {
	t.Helper()
	var who struct {
		Subject string  `json:"subject"`
		Issuer  string  `json:"issuer"`
		Grants  []grant `json:"grants"`
	}
	client.get(t, w, "whoami", token, &who)
	var granted []detail
	for _, g := range who.Grants {
		granted = append(granted, detail(g))
	}
	if who.Subject != read(t, token).Subject || who.Issuer != w.Issuer || !sameDetails(granted, jobDetails) {
		t.Errorf("the management API sees %+v", who)
	}
	var trusts struct {
		Items []any `json:"items"`
	}
	client.get(t, w, "trust-relationships", token, &trusts)
	if len(trusts.Items) == 0 {
		t.Error("the trust by which the job came in is not listed")
	}
	w.server.get(t, w.api("keys"), http.Header{"Authorization": {"Bearer " + token}}, http.StatusForbidden)
}

// wantAcceptedByAll demands that relying parties that know nothing of the other server accept an ID token for orders.
func wantAcceptedByAll(t *testing.T, l *lab, w workspace, token string) {
	t.Helper()
	for _, p := range parties {
		if p.kind == idToken {
			v := verification{issuer: w.Issuer, audience: orders, token: token}
			wantAccepted(t, p.open(t, l), v, read(t, token).Subject)
		}
	}
}

// A server that trusts another follows when that one removes a compromised key: within the cool-down of ten seconds
// after which it fetches a key set for an unknown key (rule 15). What the old key signed is then refused, or put off.
func TestFederationSurvivesCompromisedKey(t *testing.T) {
	l := openLab(t)
	for direction, d := range l.directions() {
		t.Run(direction, func(t *testing.T) {
			t.Parallel() // each waits out the cool-down
			home, abroad := d.home.newWorkspace(t), d.abroad.newWorkspace(t)
			abroad.trust(t, home.issuer(), home.subject(t), jobGrants...)
			before := home.issue(t, idToken, abroad.Issuer)
			abroad.exchange(t, before, want{kind: accessToken}).mustIssue(t)

			home.rotate(t, "--compromised")
			after := home.issue(t, idToken, abroad.Issuer)
			waitUntilAdmitted(t, abroad, after)
			if a := abroad.exchange(t, before, want{kind: accessToken}); a.status < 400 || a.Token != "" {
				t.Errorf("what the compromised key signed is still admitted: status %d", a.status)
			}
		})
	}
}

// waitUntilAdmitted allows no other answer in the meantime than to come again later.
func waitUntilAdmitted(t *testing.T, w workspace, token string) {
	t.Helper()
	err := waitFor(patiently(t), func() error {
		a := w.exchange(t, token, want{kind: accessToken})
		if a.status == http.StatusOK {
			return nil
		}
		a.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		return fmt.Errorf("status %d", a.status)
	})
	if err != nil {
		t.Fatal(err)
	}
}
