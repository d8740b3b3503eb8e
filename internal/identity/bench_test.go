package identity

import (
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/jwt"
)

// realisticClaims are as long as those of a job token of a large code host.
func realisticClaims() claims {
	return externalClaims().with(claims{
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nbf": time.Now().Unix(),
		"repository": "acme/api", "repository_id": "123456", "repository_owner": "acme", "repository_owner_id": "65",
		"actor": "octo", "actor_id": "12", "workflow": "deploy", "event_name": "push", "ref": "refs/heads/main",
		"ref_type": "branch", "ref_protected": "true", "job_workflow_ref": "acme/api/.github/workflows/deploy.yml@refs/heads/main",
		"runner_environment": "hosted", "environment": "production", "run_id": "1", "run_number": "10", "run_attempt": "2",
		"sha": "0123456789012345678901234567890123456789",
	})
}

func BenchmarkExternalES256(b *testing.B) {
	k, w := newKey(b, "k", jwt.ES256), newWorld()
	w.publish(issuer, keySet(b, k))
	v := newVerifier(w, nil, newClock())
	v.now, v.sources.now = time.Now, time.Now
	raw := sign(b, k, "JWT", realisticClaims())
	b.ReportAllocs()
	for b.Loop() {
		u, err := Read(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = v.External(b.Context(), tenant, u, discovery); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkOwn(b *testing.B) (*Verifier, string) {
	b.Helper()
	k := newKey(b, "k", jwt.ES256)
	v := newVerifier(newWorld(), newRing(tenant.ID, k), newClock())
	v.now = time.Now
	raw := sign(b, k, "at+jwt", ownClaims().with(claims{
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nbf": time.Now().Unix() - 30, "root_iat": time.Now().Unix(),
		"client_id": "cli", "trusts": []any{claims{"id": tenant.ID, "version": 3}}, "groups": []string{"a", "b"},
		"authorization_details": []any{claims{"type": "workspace", "identifier": "*", "actions": []string{"read", "write"}}},
	}))
	if _, err := v.Own(b.Context(), tenant, read(b, raw)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return v, raw
}

func BenchmarkOwnHit(b *testing.B) {
	v, raw := benchmarkOwn(b)
	for b.Loop() {
		u, err := v.Read(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Own(b.Context(), tenant, u); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOwnHitParsed(b *testing.B) {
	v, raw := benchmarkOwn(b)
	for b.Loop() {
		u, err := Read(raw)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := v.Own(b.Context(), tenant, u); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOwnMiss(b *testing.B) {
	v, raw := benchmarkOwn(b)
	for b.Loop() {
		u := read(b, raw)
		v.forget(u.digest)
		if _, err := v.Own(b.Context(), tenant, u); err != nil {
			b.Fatal(err)
		}
	}
}
