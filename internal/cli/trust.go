package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

func (p *program) trustCommand() *cobra.Command {
	cmd := p.group("trust-relationships", "Say whose tokens are exchanged, and for what",
		`A trust relationship says: tokens of this issuer whose subject matches this pattern (and whose claims satisfy this condition), presented with this audience, get these grants, for at most this long.`,
		`nsc auth trust-relationships list
nsc auth trust-relationships add --issuer https://token.actions.githubusercontent.com \
  --subject-match 'repo:acme/app:ref:refs/heads/main' \
  --grant '{"resource_type":"audience","resource_id":"sts.amazonaws.com","actions":["issue"]}'`,
		p.trustAddCommand(), p.trustListCommand(), p.trustDescribeCommand(), p.trustUpdateCommand(), p.trustRemoveCommand(),
		p.trustPresetsCommand(),
		p.trustExplainCommand(), p.trustTestCommand(), p.trustReplayCommand(),
	)
	cmd.Aliases = []string{"trust", "trusts", "trust-relationship"}
	return cmd
}

// idFlag is the ID of a trust: a flag or the argument.
type idFlag struct{ id string }

func (f *idFlag) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.id, "id", "", "`ID` of the trust relationship; also as a plain argument")
}

func (f idFlag) of(args []string) (string, error) {
	switch {
	case len(args) == 0 && f.id == "":
		return "", missingFlag("the trust relationship's ID", "find it: nsc auth trust-relationships list")
	case len(args) == 0:
		return f.id, nil
	case f.id != "" && f.id != args[0]:
		return "", failure.Misuse("two IDs are given: "+f.id+" and "+args[0], "give one of them")
	}
	return args[0], nil
}

// oneTrust runs an operation on the trust that the command line names.
func (p *program) oneTrust(ctx context.Context, flag idFlag, args []string, run func(s session, id string) error) error {
	id, err := flag.of(args)
	if err != nil {
		return err
	}
	s, err := p.session(ctx)
	if err != nil {
		return err
	}
	return absent(run(s, id), fmt.Sprintf("there is no trust relationship %s in %s", id, s.workspace),
		"see what there is: nsc auth trust-relationships list --workspace "+s.workspace)
}

// warnings passes on what the server would have somebody think about who changed something.
func (p *program) warnings(warnings []string) {
	for _, w := range warnings {
		p.warn("%s", shown(w))
	}
}

func (p *program) describeTrust(w io.Writer, t api.Trust) {
	describe(w, []field{
		{"ID", t.ID},
		{"Description", shown(t.Description)},
		{"Declared by", shown(t.ManagedBy)},
		{"State", trustState(t)},
		{"Issuer", shown(t.Issuer)},
		{"Subject", shown(t.SubjectMatch)},
		{"Audience", shown(firstOf(t.Audience, "the workspace's issuer"))},
		{"Condition", shown(t.Condition)},
		{"Mappings", mappingLines(t.Mappings)},
		{"Grants", grantLines(t.Grants)},
		{"Tokens issued", "last " + spoken(t.DefaultDuration) + ", or as asked for up to " + spoken(t.MaxDuration)},
		{"Tokens shown", "may live " + spoken(t.MaxLifetime) + " at most"},
		{"Keys", p.keySourceLine(t.KeySource)},
		{"Version", fmt.Sprint(t.Version)},
		{"Created", p.when(t.CreatedAt) + by(t.CreatedBy)},
		{"Updated", p.when(t.UpdatedAt) + by(t.UpdatedBy)},
	})
}

func by(subject string) string {
	if subject == "" {
		return ""
	}
	return " by " + shown(subject)
}

func trustState(t api.Trust) string {
	state := "enabled"
	if !t.Enabled {
		state = "disabled"
	}
	if t.SingleUse {
		state += ", each token once"
	}
	if t.AllowSharedAudience {
		state += ", shared audience allowed"
	}
	if t.AcceptDelegation {
		state += ", the issuer says who acts"
	}
	return state
}

// spoken writes a duration of the API's as people do.
func spoken(text string) string {
	d, err := time.ParseDuration(text)
	if err != nil {
		return shown(text)
	}
	return shortDuration(d)
}

func mappingLines(mappings map[string]string) string {
	var lines []string
	for name, expression := range mappings {
		lines = append(lines, shown(name+" = "+expression))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (p *program) keySourceLine(k api.KeySource) string {
	private := ""
	if k.CA != "" {
		private = ", with its own certificate authority"
	}
	switch k.Kind {
	case api.JWKSURL:
		return shown(k.URL) + private
	case api.JWKS:
		return "uploaded, believed until " + p.when(k.NotAfter)
	}
	return "by discovery" + private
}
