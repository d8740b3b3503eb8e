-- The first schema. Times are microseconds since 1970,
-- 0 where there is none; durations are microseconds.
-- +goose Up
CREATE TABLE installation (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    base_url   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seal_check BLOB    NOT NULL,
    epoch      INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;

CREATE TABLE workspaces (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    deleted_at INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
CREATE INDEX workspaces_by_generation ON workspaces (generation, id);

CREATE TABLE users (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    id           TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    grants       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;

CREATE TABLE trusts (
    workspace_id          TEXT    NOT NULL REFERENCES workspaces (id),
    id                    TEXT    NOT NULL,
    issuer                TEXT    NOT NULL,
    subject_match         TEXT    NOT NULL,
    audience              TEXT    NOT NULL,
    condition             TEXT    NOT NULL,
    mappings              TEXT    NOT NULL,
    grants                TEXT    NOT NULL,
    default_duration      INTEGER NOT NULL,
    max_duration          INTEGER NOT NULL,
    max_lifetime          INTEGER NOT NULL,
    single_use            INTEGER NOT NULL CHECK (single_use IN (0, 1)),
    enabled               INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    allow_shared_audience INTEGER NOT NULL CHECK (allow_shared_audience IN (0, 1)),
    description           TEXT    NOT NULL,
    key_source            TEXT    NOT NULL,
    created_by            TEXT    NOT NULL,
    updated_by            TEXT    NOT NULL,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    version               INTEGER NOT NULL,
    revision              INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX trusts_by_issuer ON trusts (workspace_id, issuer, id);

CREATE TABLE keys (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    id           TEXT    NOT NULL,
    algorithm    TEXT    NOT NULL,
    public       BLOB    NOT NULL,
    sealed       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    active_at    INTEGER NOT NULL,
    retire_at    INTEGER NOT NULL,
    gone_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX keys_by_ring ON keys (workspace_id, algorithm, active_at, id);
CREATE INDEX keys_by_end ON keys (gone_at) WHERE gone_at <> 0;

-- Single uses of external tokens. token is a digest of issuer and token ID, which are as long as a stranger likes.
CREATE TABLE uses (
    workspace_id TEXT    NOT NULL,
    token        BLOB    NOT NULL,
    used_at      INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    retry_key    BLOB    NOT NULL,
    payload      BLOB    NOT NULL,
    PRIMARY KEY (workspace_id, token)
) STRICT;
CREATE INDEX uses_by_expiry ON uses (expires_at);

-- What is on the record and not yet unpacked: one row per transaction.
CREATE TABLE queue (
    id    INTEGER PRIMARY KEY,
    frame BLOB NOT NULL
) STRICT;

-- The record. The columns only find an event; entry is the whole of it. subject, token and trust are digests: a stranger
-- chooses how long their texts are, and they are short in the indexes; empty where there is none. Most events are issued
-- tokens, whose token ID is their own (a single zero byte): no index has to hold that.
CREATE TABLE events (
    workspace_id BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    time         INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    subject      BLOB    NOT NULL,
    token        BLOB    NOT NULL,
    entry        BLOB    NOT NULL,
    PRIMARY KEY (workspace_id, id)
) STRICT;
CREATE INDEX events_by_time ON events (workspace_id, time);
CREATE INDEX events_by_subject ON events (workspace_id, subject, id) WHERE length(subject) > 0;
CREATE INDEX events_by_token ON events (workspace_id, token, id) WHERE length(token) > 1;
CREATE INDEX events_by_kind ON events (workspace_id, kind, id) WHERE kind <> 'token.issued';

CREATE TABLE event_trusts (
    workspace_id BLOB NOT NULL,
    trust        BLOB NOT NULL,
    event_id     BLOB NOT NULL,
    PRIMARY KEY (workspace_id, trust, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
