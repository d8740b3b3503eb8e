-- What creations answered, until their Idempotency-Keys have expired. key is a digest of the caller and his key, request
-- one of what he asked for.
-- +goose Up
CREATE TABLE answers (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    key          BLOB    NOT NULL,
    request      BLOB    NOT NULL,
    body         BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, key)
) STRICT;
CREATE INDEX answers_by_expiry ON answers (expires_at);
