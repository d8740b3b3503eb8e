-- The Merkle log of each workspace. log_index is an event's place in it, -1 for those that have none yet: what earlier
-- releases recorded. A head is the log's size with the roots of the complete subtrees that it falls into, and its newest
-- checkpoint with the size that this is of. A tile is up to 256 hashes of one level that is a multiple of 8; one of
-- level 0 has the IDs of its events beside.
-- +goose Up
ALTER TABLE events ADD COLUMN log_index INTEGER NOT NULL DEFAULT -1;
CREATE INDEX events_unlogged ON events (workspace_id, id) WHERE log_index < 0;

CREATE TABLE log_heads (
    workspace_id BLOB    NOT NULL PRIMARY KEY,
    size         INTEGER NOT NULL,
    frontier     BLOB    NOT NULL,
    signed_size  INTEGER NOT NULL,
    checkpoint   TEXT    NOT NULL
) STRICT;
CREATE INDEX log_heads_unsigned ON log_heads (workspace_id) WHERE size > signed_size;

CREATE TABLE log_tiles (
    workspace_id BLOB    NOT NULL,
    level        INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    hashes       BLOB    NOT NULL,
    events       BLOB    NOT NULL,
    PRIMARY KEY (workspace_id, level, number)
) STRICT;

CREATE TABLE log_keys (
    workspace_id TEXT    NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    public       BLOB    NOT NULL,
    sealed       BLOB    NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- How much of a log a place outside has a checkpoint of.
CREATE TABLE log_publications (
    workspace_id BLOB    NOT NULL,
    place        TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, place)
) STRICT;
