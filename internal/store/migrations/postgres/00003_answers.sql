-- What creations answered, until their Idempotency-Keys have expired. key is a digest of the caller and his key, request
-- one of what he asked for.
-- +goose Up
CREATE TABLE answers (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    key bytea NOT NULL,
    request bytea NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, key)
);
CREATE INDEX answers_by_expiry ON answers (expires_at);
