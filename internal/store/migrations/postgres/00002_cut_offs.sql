-- What is cut off until it is lifted, or until what it cuts off has expired by itself.
-- +goose Up
CREATE TABLE cut_offs (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, kind, value)
);
CREATE INDEX cut_offs_by_expiry ON cut_offs (expires_at) WHERE expires_at <> 0;
