package workspace

import "time"

// Revocable is a registered token for what cannot federate: a secret that lasts for months, exchanged for tokens that
// last for minutes.
type Revocable struct {
	ID          string
	WorkspaceID string
	Workspace   string // name
	Hash        []byte // SHA-256 of the secret, which nobody keeps
	Name        string
	Grants      []byte // JSON list of identity.Permission
	CreatedBy   string // subject
	CreatedAt   time.Time
	RefreshedAt time.Time // when the present secret was made
	ExpiresAt   time.Time
	Version     int64 // as a trust's: every new secret bumps it, and ends what rests on the one before
}
