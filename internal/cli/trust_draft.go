package cli

import (
	"io"
	"strings"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
	"github.com/nsc-federation/nsc/internal/identity"
	"github.com/nsc-federation/nsc/internal/manifest"
)

// draftOf is the workspace of what is not registered: a dry run asks no server, and needs no sign-in.
var draftOf = identity.Tenant{ID: "draft", Name: "draft", Issuer: "the workspace's issuer"}

// checkDraft refuses what the server would refuse to register, and returns what it would warn of. Whether the issuer's keys
// can be fetched, and whether the caller has what he gives, the server alone can tell.
func checkDraft(c api.TrustChange) ([]string, error) {
	k := manifest.Kept{
		Issuer: valueOf(c.Issuer), SubjectMatch: valueOf(c.SubjectMatch), Audience: valueOf(c.Audience), Condition: valueOf(c.Condition),
		Mappings: valueOf(c.Mappings), SingleUse: valueOf(c.SingleUse), AllowSharedAudience: valueOf(c.AllowSharedAudience),
		AcceptDelegation: valueOf(c.AcceptDelegation), Description: valueOf(c.Description),
		DefaultDuration: firstOf(valueOf(c.DefaultDuration), "0s"), MaxDuration: firstOf(valueOf(c.MaxDuration), "0s"),
		MaxLifetime: firstOf(valueOf(c.MaxLifetime), "0s"), // 0 is the default
	}
	for _, g := range valueOf(c.Grants) {
		k.Grants = append(k.Grants, manifest.Grant(g))
	}
	warnings, err := k.Check(draftOf)
	if err != nil {
		return nil, failure.Wrap(failure.Failed, err, err.Error(), "correct it and repeat the command (--help says what is accepted)")
	}
	return warnings, nil
}

// printDraft prints what would be registered.
func (p *program) printDraft(c api.TrustChange) error {
	warnings, err := checkDraft(c)
	if err != nil {
		return err
	}
	defer p.warnings(warnings)
	return p.print(c, func(w io.Writer) {
		describe(w, []field{
			{"Issuer", shown(valueOf(c.Issuer))},
			{"Subject", shown(valueOf(c.SubjectMatch))},
			{"Audience", shown(firstOf(valueOf(c.Audience), "the workspace's issuer"))},
			{"Condition", shown(valueOf(c.Condition))},
			{"Mappings", mappingLines(valueOf(c.Mappings))},
			{"Grants", grantLines(valueOf(c.Grants))},
			{"Tokens issued", durations(c)},
			{"Description", shown(valueOf(c.Description))},
		})
		p.say("nothing was registered (--dry-run)")
	})
}

// durations says what was said about how long issued tokens last.
func durations(c api.TrustChange) string {
	var said []string
	if c.DefaultDuration != nil {
		said = append(said, "last "+spoken(*c.DefaultDuration))
	}
	if c.MaxDuration != nil {
		said = append(said, "last "+spoken(*c.MaxDuration)+" at most")
	}
	return strings.Join(said, ", ")
}
