package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nsc-federation/nsc/internal/identity"
)

const (
	maxIssuer      = 1024 // bytes
	maxDescription = 1000 // bytes
)

// Check judges a trust as it is written: what cannot be evaluated is refused now, not at 3 in the morning. It returns
// the trust with its defaults filled in and its grants normalised, and warnings for whoever writes it. The error is a
// *FieldError. Whether the issuer can be fetched from is identity's to judge.
func Check(t Trust, tenant identity.Tenant) (Trust, []string, error) {
	t = withDefaults(t, tenant)
	if err := checkOwnership(t, tenant); err != nil {
		return Trust{}, nil, err
	}
	if err := checkTexts(t); err != nil {
		return Trust{}, nil, err
	}
	if err := checkDurations(t); err != nil {
		return Trust{}, nil, err
	}
	pinned, err := checkCondition(t.Condition)
	if err != nil {
		return Trust{}, nil, wrong("condition", "%s", err)
	}
	warnings, err := checkSubject(t, pinned)
	if err != nil {
		return Trust{}, nil, err
	}
	if err := checkAudience(t, tenant, pinned); err != nil {
		return Trust{}, nil, err
	}
	if err := checkMappings(t); err != nil {
		return Trust{}, nil, err
	}
	more, err := checkGrants(t)
	if err != nil {
		return Trust{}, nil, err
	}
	t.Grants = Union(t.Grants)
	if t.MaxDuration > UsualDuration {
		more = append(more, fmt.Sprintf("max_token_duration: whoever gets hold of a token of this trust has it for up to %s, and others who verify "+
			"it by themselves do not learn of a cut-off before; most work is done with tokens of an hour", t.MaxDuration))
	}
	if t.AcceptDelegation {
		more = append(more, "accept_delegation: the issuer says who acts for its subjects, and to whom what they are granted is lent; "+
			"it needs to be an issuer that lets nobody write act and may_act of his own accord")
	}
	return t, append(warnings, more...), nil
}

func withDefaults(t Trust, tenant identity.Tenant) Trust {
	if t.WorkspaceID == "" {
		t.WorkspaceID = tenant.ID
	}
	if t.MaxDuration == 0 {
		t.MaxDuration = max(DefaultMaxDuration, t.DefaultDuration)
	}
	if t.DefaultDuration == 0 {
		t.DefaultDuration = min(DefaultDuration, t.MaxDuration)
	}
	if t.MaxLifetime == 0 {
		t.MaxLifetime = DefaultMaxLifetime
	}
	t.Condition = strings.TrimSpace(t.Condition)
	return t
}

func checkTexts(t Trust) error {
	if problem := checkText(t.Issuer, maxIssuer); problem != "" {
		return wrong("issuer", "%s", problem)
	}
	if problem := checkProse(t.Description, maxDescription); problem != "" {
		return wrong("description", "%s", problem)
	}
	if t.ManagedBy != "" && !managed.MatchString(t.ManagedBy) {
		return wrong("managed_by", "%q is not <manifest>/<name>, each of lower-case letters, digits, '-', '_' and '.'", t.ManagedBy)
	}
	return nil
}

// managed is the form of ManagedBy: two names of at most 63 bytes.
var managed = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}/[a-z0-9][a-z0-9._-]{0,62}$`)

func checkDurations(t Trust) error {
	for _, d := range []struct {
		field       string
		value, most time.Duration
	}{
		{"max_token_duration", t.MaxDuration, LongestDuration},
		{"default_token_duration", t.DefaultDuration, t.MaxDuration},
		{"max_external_lifetime", t.MaxLifetime, LongestMaxLifetime},
	} {
		if d.value < time.Second || d.value > d.most || d.value%time.Second != 0 {
			return wrong(d.field, "is %s; use whole seconds from 1s to %s", d.value, d.most)
		}
	}
	return nil
}

// checkSubject judges the subject with the claims that the condition pins (rule 18): one of them has to say whose
// tokens these are.
func checkSubject(t Trust, pinned []string) ([]string, error) {
	subject, warnings, err := CompileSubject(t.SubjectMatch)
	if err != nil {
		return nil, wrong("subject_match", "%s", err)
	}
	service, shared := sharedIssuerOf(t.Issuer)
	narrow := len(subject.Literals()) > 0 && (!shared || service.narrows(subject))
	if !narrow && len(pinned) == 0 {
		return nil, wrong("subject_match", "%q admits subjects of anybody's; write out at least one whole segment that "+
			`says whose they are, or add a condition such as claims.<name> == "<value>"`, t.SubjectMatch)
	}
	for i := range warnings {
		warnings[i] = "subject_match: " + warnings[i]
	}
	if shared && !service.pins(subject, pinned) {
		warnings = append(warnings, "subject_match: all customers of "+service.name+" share this issuer, and a name can be "+
			"given up and taken by somebody else; "+service.advice)
	}
	return warnings, nil
}

func checkAudience(t Trust, tenant identity.Tenant, pinned []string) error {
	audience, err := expectedAudience(t, tenant)
	if err != nil {
		return wrong("audience", "%s", err)
	}
	if audience.Text() == tenant.Issuer {
		return nil
	}
	if len(audience.Literals()) == 0 && len(pinned) == 0 {
		return wrong("audience", "%q admits audiences of anybody's; write out at least one whole segment, or leave it "+
			"empty for %s", t.Audience, tenant.Issuer)
	}
	if name, shared := sharedAudience(audience, t.Issuer); shared && !t.AllowSharedAudience {
		return wrong("audience", "admits tokens for %s, which many hold for another purpose; leave it empty for %s, "+
			"or allow it expressly with allow_shared_audience", name, tenant.Issuer)
	}
	return nil
}

func checkGrants(t Trust) ([]string, error) {
	if len(t.Grants) == 0 {
		return []string{"grants: there are none; the tokens will open nothing"}, nil
	}
	return CheckPermissions(t.Grants, "grants")
}
