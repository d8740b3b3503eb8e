package kubernetes

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestIDTokenOpensAPIServer(t *testing.T) {
	l := openLab(t)
	token := issueIDToken(t, l.signIn(t, l.dev, t.TempDir()), "kubernetes")
	l.waitForEntry(t, token)
	bearer := l.cluster.kubectl.with("--token", token)

	if printed := bearer.run(t, "get", "configmaps", "--namespace", "apps", "--output", "name"); printed != "configmap/settings\n" {
		t.Errorf("the group's role should list one config map, not %q", printed)
	}
	for _, forbidden := range [][]string{
		{"get", "secrets", "--namespace", "apps"},
		{"get", "configmaps", "--namespace", "kube-system"},
		{"delete", "configmap", "settings", "--namespace", "apps"},
	} {
		if said := bearer.refused(t, forbidden...); !strings.Contains(said, "Forbidden") {
			t.Errorf("%s: %s", strings.Join(forbidden, " "), said)
		}
	}
	wantUser(t, bearer, token)
}

// wantUser checks that the API server knows the bearer by the token's subject and groups.
func wantUser(t *testing.T, bearer program, token string) {
	t.Helper()
	var review struct {
		Status struct {
			User struct {
				Name   string   `json:"username"`
				Groups []string `json:"groups"`
			} `json:"userInfo"`
		} `json:"status"`
	}
	decode(t, bearer.run(t, "auth", "whoami", "--output", "json"), &review)
	_, c := read(t, token)
	user := review.Status.User
	if user.Name != c.Subject || !slices.Equal(user.Groups, append(c.Groups, "system:authenticated")) {
		t.Errorf("the API server sees %q in %q; the token says %q in %q", user.Name, user.Groups, c.Subject, c.Groups)
	}
}

// Each token differs in one property from the first, which gets in.
func TestAPIServerTellsTokensApart(t *testing.T) {
	l := openLab(t)
	deployer := l.signIn(t, l.dev, t.TempDir())
	elsewhere := l.signIn(t, l.other, t.TempDir())
	group := []string{l.group()}
	tests := []struct {
		name     string
		token    string
		issuer   string
		audience string
		groups   []string
		status   int
	}{
		{"as it should be", issueIDToken(t, deployer, "kubernetes"), l.dev.Issuer, "kubernetes", group, http.StatusOK},
		{"another workspace", issueIDToken(t, elsewhere, "kubernetes"), l.other.Issuer, "kubernetes", group, http.StatusUnauthorized},
		{"another audience", issueIDToken(t, deployer, "vault"), l.dev.Issuer, "vault", group, http.StatusUnauthorized},
		{"without the group", issueIDToken(t, l.nsc.admin, "kubernetes"), l.dev.Issuer, "kubernetes", nil, http.StatusForbidden},
	}
	l.waitForEntry(t, tests[0].token)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, c := read(t, test.token)
			if c.Issuer != test.issuer || !slices.Equal(c.Audience, audience{test.audience}) || !slices.Equal(c.Groups, test.groups) {
				t.Errorf("the token is not the one to try: %+v", c)
			}
			if err := wantStatus(test.status)(l.cluster.listConfigMaps(t.Context(), test.token)); err != nil {
				t.Error(err)
			}
		})
	}
}

// An access token is for nsc: its audience keeps it out of the cluster.
func TestAccessTokenDoesNotOpenAPIServer(t *testing.T) {
	l := openLab(t)
	home := t.TempDir()
	l.waitForEntry(t, issueIDToken(t, l.signIn(t, l.dev, home), "kubernetes"))
	if err := wantStatus(http.StatusUnauthorized)(l.cluster.listConfigMaps(t.Context(), storedToken(t, home))); err != nil {
		t.Error(err)
	}
}

// waitForEntry waits until the API server lets the token in: it fetches the issuer's keys in its own time, and until
// then it refuses all tokens, so that a refusal would prove nothing.
func (l *lab) waitForEntry(t *testing.T, token string) {
	t.Helper()
	err := waitFor(patiently(t), func(ctx context.Context) error {
		return wantStatus(http.StatusOK)(l.cluster.listConfigMaps(ctx, token))
	})
	if err != nil {
		t.Fatal(err)
	}
}
