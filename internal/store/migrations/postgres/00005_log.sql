-- The Merkle log of each workspace. log_index is an event's place in it, -1 for those that have none yet: what earlier
-- releases recorded. A head is the log's size with the roots of the complete subtrees that it falls into, and its newest
-- checkpoint with the size that this is of. A tile is up to 256 hashes of one level that is a multiple of 8; one of
-- level 0 has the IDs of its events beside.
-- +goose Up
ALTER TABLE events ADD COLUMN log_index bigint NOT NULL DEFAULT -1;
CREATE INDEX events_unlogged ON events (workspace_id, id) WHERE log_index < 0;

CREATE TABLE log_heads (
    workspace_id bytea NOT NULL PRIMARY KEY,
    size bigint NOT NULL,
    frontier bytea NOT NULL,
    signed_size bigint NOT NULL,
    checkpoint text COLLATE "C" NOT NULL
);
CREATE INDEX log_heads_unsigned ON log_heads (workspace_id) WHERE size > signed_size;
-- A head moves several times a second: its dead rows are to be taken away at once.
ALTER TABLE log_heads SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE log_tiles (
    workspace_id bytea NOT NULL,
    level bigint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    events bytea NOT NULL,
    PRIMARY KEY (workspace_id, level, number)
);
-- Hashes and IDs are random: compressing them is wasted.
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
ALTER TABLE log_tiles ALTER COLUMN events SET STORAGE EXTERNAL;

CREATE TABLE log_keys (
    workspace_id text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    public bytea NOT NULL,
    sealed bytea NOT NULL,
    created_at bigint NOT NULL
);

-- How much of a log a place outside has a checkpoint of.
CREATE TABLE log_publications (
    workspace_id bytea NOT NULL,
    place text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    PRIMARY KEY (workspace_id, place)
);
