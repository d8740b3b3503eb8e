package audit

import (
	"slices"
	"strings"
)

// Kind names what happened. It is stable: searches and other programs depend on it.
type Kind string

// The kinds of event.
const (
	TokenIssued          Kind = "token.issued"
	TokenReissued        Kind = "token.reissued"
	TokenRefused         Kind = "token.refused"
	TrustCreated         Kind = "trust.created"
	TrustUpdated         Kind = "trust.updated"
	TrustRemoved         Kind = "trust.removed"
	WorkspaceCreated     Kind = "workspace.created"
	KeyPublished         Kind = "key.published"
	KeyRemoved           Kind = "key.removed"
	KeysResealed         Kind = "keys.resealed"
	AdminCreated         Kind = "admin.created"
	InstallationExported Kind = "installation.exported"
	InstallationImported Kind = "installation.imported"
	CutOffCreated        Kind = "cut_off.created"
	CutOffLifted         Kind = "cut_off.lifted"
	SubjectErased        Kind = "subject.erased"
	InstallationRestored Kind = "installation.restored"
	RevocableCreated     Kind = "revocable_token.created"
	RevocableRenewed     Kind = "revocable_token.refreshed"
	RevocableRevoked     Kind = "revocable_token.revoked"
)

var kinds = []Kind{
	TokenIssued, TokenReissued, TokenRefused, TrustCreated, TrustUpdated, TrustRemoved, WorkspaceCreated, KeyPublished,
	KeyRemoved, KeysResealed, AdminCreated, CutOffCreated, CutOffLifted,
	RevocableCreated, RevocableRenewed, RevocableRevoked, InstallationExported, InstallationImported,
	InstallationRestored, SubjectErased,
}

// Known reports whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(kinds, k) }

// Kinds returns all kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// KindList returns all kinds, for people.
func KindList() string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
