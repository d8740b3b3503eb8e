package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/nsc-federation/nsc/internal/cli/api"
)

// Rule 23: what was not looked at is not said to be reached.
func TestRule23WhatIsOutOfReachIsSaidInWords(t *testing.T) {
	some := []api.Unreachable{{Audience: "https://api.example.com", Count: 3}}
	for want, result := range map[string]api.CutOffResult{
		"No living tokens are out of reach.":   {},
		"but not all were looked at.":          {Incomplete: true},
		"https://api.example.com  3":           {Unreachable: some},
		"until they fetch the keys again":      {Unreachable: some},
		"may be more: not all were looked at.": {Unreachable: some, Incomplete: true},
	} {
		var said strings.Builder
		(&program{now: time.Now}).unreachable(&said, result, byKey)
		if !strings.Contains(said.String(), want) || result.Incomplete != strings.Contains(said.String(), "not all") {
			t.Errorf("%+v: %s", result, &said)
		}
	}
}
