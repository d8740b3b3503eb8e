-- What is cut off until it is lifted, or until what it cuts off has expired by itself.
-- +goose Up
CREATE TABLE cut_offs (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    id           TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    value        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    created_by   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, kind, value)
) STRICT;
CREATE INDEX cut_offs_by_expiry ON cut_offs (expires_at) WHERE expires_at <> 0;
