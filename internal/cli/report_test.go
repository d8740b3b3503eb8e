package cli

import (
	"strings"
	"testing"

	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/opaque"
)

// Standard error is often a log: what a failure quotes may be a secret that was given in the wrong place.
func TestSecurityAFailureRepeatsNoSecret(t *testing.T) {
	secret, _ := opaque.New(opaque.Revocable)
	var said strings.Builder
	(&program{stderr: &said}).report(failure.New(failure.Failed, "there is no workspace "+secret, "not "+secret))
	if want := "nsc: there is no workspace nsrt_[redacted]\nnot nsrt_[redacted]\n"; said.String() != want {
		t.Errorf("%q, want %q", &said, want)
	}
}
