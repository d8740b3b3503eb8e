package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nsc-federation/nsc/internal/cli/api"
	"github.com/nsc-federation/nsc/internal/failure"
)

// trustFlags say what a trust relationship is. Those that are not given say nothing.
type trustFlags struct {
	issuer, subject, audience, condition, description string
	grants, mappings                                  []string
	defaultDuration, maxDuration, maxLifetime         duration
	singleUse, enabled, disabled, allowShared         bool
	acceptDelegation                                  bool
	keys                                              keySourceFlags
}

func (f *trustFlags) bind(cmd *cobra.Command) {
	f.bindTerms(cmd)
	f.keys.bind(cmd)
}

// bindTerms binds what says whom a trust admits, and to what.
func (f *trustFlags) bindTerms(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.issuer, "issuer", "", "`issuer` of the tokens, byte for byte their iss")
	flags.StringVar(&f.subject, "subject-match", "", "`pattern` that their sub matches: literal text, and * for the rest of it after : or /")
	flags.StringVar(&f.audience, "audience", "", "`audience` that they are presented with (default: the workspace's issuer)")
	flags.StringVar(&f.condition, "condition", "", "CEL `expression` over claims that must be true")
	flags.StringArrayVar(&f.grants, "grant", nil, "what they get, as `JSON`: "+`{"resource_type":"audience","resource_id":"vault","actions":["issue"]}; may repeat`)
	flags.StringArrayVar(&f.mappings, "map", nil, "`claim=expression`: groups or attributes.NAME from a CEL expression over claims; may repeat")
	flags.Var(&f.defaultDuration, "default-token-duration", "how long issued tokens last (default 15m)")
	flags.Var(&f.maxDuration, "max-token-duration", "how long issued tokens last at most, whatever is asked for (default 1h)")
	flags.Var(&f.maxLifetime, "max-external-lifetime", "how long the issuer's tokens may live (default 1d)")
	flags.BoolVar(&f.singleUse, "single-use", false, "admit each of the issuer's tokens once")
	flags.BoolVar(&f.enabled, "enabled", false, "admit tokens (the default)")
	flags.BoolVar(&f.disabled, "disabled", false, "admit no token")
	flags.BoolVar(&f.allowShared, "allow-shared-audience", false, "accept an audience that all customers of another system share")
	flags.BoolVar(&f.acceptDelegation, "accept-delegation", false, "believe the issuer in who acts for its subjects, and who may (act and may_act)")
	flags.StringVar(&f.description, "description", "", "`text` about what it is for")
}

// change returns what the flags that were given say.
func (f *trustFlags) change(cmd *cobra.Command) (api.TrustChange, error) {
	c := api.TrustChange{
		Issuer: given(cmd, "issuer", f.issuer), SubjectMatch: given(cmd, "subject-match", f.subject),
		Audience: given(cmd, "audience", f.audience), Condition: given(cmd, "condition", f.condition),
		Description: given(cmd, "description", f.description), SingleUse: given(cmd, "single-use", f.singleUse),
		AllowSharedAudience: given(cmd, "allow-shared-audience", f.allowShared),
		AcceptDelegation:    given(cmd, "accept-delegation", f.acceptDelegation),
		DefaultDuration:     given(cmd, "default-token-duration", time.Duration(f.defaultDuration).String()),
		MaxDuration:         given(cmd, "max-token-duration", time.Duration(f.maxDuration).String()),
		MaxLifetime:         given(cmd, "max-external-lifetime", time.Duration(f.maxLifetime).String()),
	}
	var err error
	if c.Enabled, err = f.state(cmd); err != nil {
		return c, err
	}
	if c.Grants, err = parseGrants(f.grants); err != nil {
		return c, err
	}
	c.Mappings, err = parseMappings(f.mappings)
	return c, err
}

// given returns a flag's value, or nil where the flag was not given.
func given[T any](cmd *cobra.Command, flag string, value T) *T {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	return &value
}

func (f *trustFlags) state(cmd *cobra.Command) (*bool, error) {
	enabled, disabled := given(cmd, "enabled", f.enabled), given(cmd, "disabled", !f.disabled)
	if enabled != nil && disabled != nil {
		return nil, failure.Misuse("--enabled and --disabled are both given", "give one of them")
	}
	if disabled != nil {
		return disabled, nil
	}
	return enabled, nil
}

const grantForm = `write it as --grant '{"resource_type":"audience","resource_id":"vault","actions":["issue"]}'`

func parseGrants(texts []string) (*[]api.Grant, error) {
	if texts == nil {
		return nil, nil
	}
	grants := make([]api.Grant, 0, len(texts))
	for _, text := range texts {
		grant, err := parseGrant(text)
		if err != nil {
			return nil, err
		}
		grants = append(grants, grant)
	}
	return &grants, nil
}

func parseGrant(text string) (api.Grant, error) {
	var grant api.Grant
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&grant); err != nil {
		return grant, failure.Wrap(failure.Misused, err, fmt.Sprintf("the grant %s is not accepted: %s", text, jsonProblem(err)), grantForm)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return grant, failure.Misuse(fmt.Sprintf("the grant %s has something after it", text), "give each grant a --grant of its own")
	}
	for name, missing := range map[string]bool{
		"resource_type": grant.ResourceType == "", "resource_id": grant.ResourceID == "", "actions": len(grant.Actions) == 0,
	} {
		if missing {
			return grant, failure.Wrap(failure.Misused, nil, fmt.Sprintf("the grant %s has no %s", text, name), grantForm)
		}
	}
	return grant, nil
}

// jsonProblem takes Go's words out of a decoder's error.
func jsonProblem(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "Go struct field Grant.", ""), "json: ")
}

func parseMappings(texts []string) (*map[string]string, error) {
	if texts == nil {
		return nil, nil
	}
	mappings := make(map[string]string, len(texts))
	for _, text := range texts {
		name, expression, ok := strings.Cut(text, "=")
		name, expression = strings.TrimSpace(name), strings.TrimSpace(expression)
		if _, twice := mappings[name]; !ok || name == "" || expression == "" || twice {
			return nil, failure.Misuse(fmt.Sprintf("the mapping %q is not accepted", text),
				"write each once, as --map 'groups=claims.groups' or --map 'attributes.team=claims.team'")
		}
		mappings[name] = expression
	}
	return &mappings, nil
}
