package kubernetes

import (
	"context"
	"net/http"
	"testing"
)

// The rules of testdata/authentication.yaml are a second line: nsc's subjects never are empty and never begin with
// "system:". Should an issuer say so after all, the API server refuses the token.
func TestAPIServerRefusesReservedNames(t *testing.T) {
	l := openLab(t)
	ordinary := l.loose.token(t, "alice", "painters")
	err := waitFor(patiently(t), func(ctx context.Context) error {
		return wantStatus(http.StatusForbidden)(l.cluster.listConfigMaps(ctx, ordinary))
	})
	if err != nil {
		t.Fatalf("an ordinary name should be known and may do nothing: %v", err)
	}
	for name, token := range map[string]string{
		"reserved subject":   l.loose.token(t, "system:admin", "painters"),
		"no subject":         l.loose.token(t, "", "painters"),
		"reserved group":     l.loose.token(t, "alice", "system:masters"),
		"reserved among two": l.loose.token(t, "alice", "painters", "system:masters"),
	} {
		t.Run(name, func(t *testing.T) {
			if err := wantStatus(http.StatusUnauthorized)(l.cluster.listConfigMaps(t.Context(), token)); err != nil {
				t.Error(err)
			}
		})
	}
}
