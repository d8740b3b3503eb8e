package kubernetes

import (
	"net/http"
	"testing"
)

func TestRecordHoldsEveryToken(t *testing.T) {
	l := openLab(t)
	before := l.nsc.countIssued(t)

	home := t.TempDir()
	cli := l.signIn(t, l.dev, home)
	serviceAccount := l.cluster.serviceAccountToken(t, "deployer", l.dev.Issuer)
	issued := []string{
		storedToken(t, home),
		issueIDToken(t, cli, "kubernetes"),
		issueIDToken(t, cli, "kubernetes"),
		l.mustExchange(t, l.dev, accessToken(serviceAccount)).Token,
		l.mustExchange(t, l.dev, idToken(serviceAccount, jwtType, "kubernetes")).Token,
	}
	stranger := l.cluster.serviceAccountToken(t, "bystander", l.dev.Issuer)
	if status, _ := l.exchange(t, l.dev, accessToken(stranger)); status != http.StatusBadRequest {
		t.Fatalf("status %d", status)
	}

	if grown := l.nsc.countIssued(t) - before; grown != len(issued) {
		t.Errorf("%d tokens were issued and %d recorded", len(issued), grown)
	}
}

func (s *nscServer) countIssued(t *testing.T) int {
	t.Helper()
	var found struct {
		Count int `json:"count"`
	}
	decode(t, s.admin.run(t, "audit", "search", "--kind", "token.issued", "--count", "-o", "json"), &found)
	return found.Count
}
