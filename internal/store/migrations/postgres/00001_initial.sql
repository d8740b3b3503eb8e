-- The first schema. Text compares by byte, as SQLite's does. Times are microseconds since 1970,
-- 0 where there is none; durations are microseconds.
-- +goose Up
CREATE TABLE installation (
    id bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    base_url text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    seal_check bytea NOT NULL,
    epoch bigint NOT NULL,
    generation bigint NOT NULL
);

CREATE TABLE workspaces (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    deleted_at bigint NOT NULL,
    generation bigint NOT NULL
);
CREATE INDEX workspaces_by_generation ON workspaces (generation, id);

CREATE TABLE users (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    grants bytea NOT NULL,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE trusts (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    subject_match text COLLATE "C" NOT NULL,
    audience text COLLATE "C" NOT NULL,
    condition text COLLATE "C" NOT NULL,
    mappings text COLLATE "C" NOT NULL,
    grants text COLLATE "C" NOT NULL,
    default_duration bigint NOT NULL,
    max_duration bigint NOT NULL,
    max_lifetime bigint NOT NULL,
    single_use bigint NOT NULL CHECK (single_use IN (0, 1)),
    enabled bigint NOT NULL CHECK (enabled IN (0, 1)),
    allow_shared_audience bigint NOT NULL CHECK (allow_shared_audience IN (0, 1)),
    description text COLLATE "C" NOT NULL,
    key_source text COLLATE "C" NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    updated_by text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    version bigint NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX trusts_by_issuer ON trusts (workspace_id, issuer, id);

CREATE TABLE keys (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id text COLLATE "C" NOT NULL,
    algorithm text COLLATE "C" NOT NULL,
    public bytea NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL,
    active_at bigint NOT NULL,
    retire_at bigint NOT NULL,
    gone_at bigint NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX keys_by_ring ON keys (workspace_id, algorithm, active_at, id);
CREATE INDEX keys_by_end ON keys (gone_at) WHERE gone_at <> 0;

-- Single uses of external tokens. token is a digest of issuer and token ID, which are as long as a stranger likes.
CREATE TABLE uses (
    workspace_id text COLLATE "C" NOT NULL,
    token bytea NOT NULL,
    used_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    retry_key bytea NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (workspace_id, token)
);
CREATE INDEX uses_by_expiry ON uses (expires_at);

-- What is on the record and not yet unpacked: one row per transaction.
CREATE TABLE queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    frame bytea NOT NULL
);
-- Frames live for a second: compressing them is wasted, and their dead rows are to be taken away at once.
ALTER TABLE queue ALTER COLUMN frame SET STORAGE EXTERNAL;
ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The record. The columns only find an event; entry is the whole of it. subject, token and trust are digests: a stranger
-- chooses how long their texts are, and they are short in the indexes; empty where there is none. Most events are issued
-- tokens, whose token ID is their own (a single zero byte): no index has to hold that.
CREATE TABLE events (
    workspace_id bytea NOT NULL,
    id bytea NOT NULL,
    time bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    token bytea NOT NULL,
    entry bytea NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX events_by_time ON events (workspace_id, time);
CREATE INDEX events_by_subject ON events (workspace_id, subject, id) WHERE length(subject) > 0;
CREATE INDEX events_by_token ON events (workspace_id, token, id) WHERE length(token) > 1;
CREATE INDEX events_by_kind ON events (workspace_id, kind, id) WHERE kind <> 'token.issued';

CREATE TABLE event_trusts (
    workspace_id bytea NOT NULL,
    trust bytea NOT NULL,
    event_id bytea NOT NULL,
    PRIMARY KEY (workspace_id, trust, event_id)
);

CREATE TABLE leases (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    holder text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL
);
