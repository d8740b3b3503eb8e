-- Opaque access tokens: the claims that a JWT would carry. Revocable tokens: registered, refreshed, revoked.
-- +goose Up
CREATE TABLE opaque_tokens (
    hash         BLOB    NOT NULL PRIMARY KEY,
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    payload      BLOB    NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX opaque_tokens_by_expiry ON opaque_tokens (expires_at);

CREATE TABLE revocable_tokens (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    id           TEXT    NOT NULL,
    hash         BLOB    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    grants       BLOB    NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    refreshed_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
