// Package workspace holds what a node knows of each workspace, the tenant that everything belongs to.
package workspace

import "time"

// SystemName is the reserved workspace that owns installation events, operators and the people's accounts (rule 8).
const SystemName = "system"

// Workspace is a tenant: an issuer of its own with its own signing keys.
type Workspace struct {
	ID         string // 26 characters of base32, never reassigned
	Name       string // unique for ever, immutable: it is part of the issuer
	CreatedAt  time.Time
	CreatedBy  string // subject
	DeletedAt  time.Time
	Generation int64 // from the installation's counter; every write that matters to a decision bumps it
}

// User is a person with an account in a workspace.
type User struct {
	ID          string
	WorkspaceID string
	Name        string
	Grants      []byte // JSON list of identity.Permission
	CreatedAt   time.Time
	Version     int64 // as a trust's: tokens name it, and every change of the grants bumps it
}
