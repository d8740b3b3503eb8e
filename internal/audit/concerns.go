package audit

import (
	"slices"
	"strings"

	"github.com/nsc-federation/nsc/internal/identity"
)

// Concerns reports whether an event says anything of a subject: it did it, it was issued something, its credential of
// another issuer is behind it, it acted, or its name is among the details.
func (e Event) Concerns(subject string) bool {
	switch {
	case e.Subject == subject, e.Object == subject, slices.Contains(e.Act, subject), e.Token != nil && e.Token.Subject == subject:
		return true
	case e.Upstream.names(e.WorkspaceID, subject), e.Actor.names(e.WorkspaceID, subject), strings.Contains(e.Reason, subject):
		return true
	}
	for _, value := range e.Details {
		if strings.Contains(value, subject) {
			return true
		}
	}
	return false
}

// names reports whether a credential is one of a subject (rule 10).
func (u *Upstream) names(workspaceID, subject string) bool {
	return u != nil && (u.Subject == subject || identity.ExternalSubject(workspaceID, u.Issuer, u.Subject) == subject)
}
