-- Opaque access tokens: the claims that a JWT would carry. Revocable tokens: registered, refreshed, revoked.
-- +goose Up
CREATE TABLE opaque_tokens (
    hash bytea NOT NULL PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    payload bytea NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX opaque_tokens_by_expiry ON opaque_tokens (expires_at);

CREATE TABLE revocable_tokens (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id text COLLATE "C" NOT NULL,
    hash bytea NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    grants bytea NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    refreshed_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
