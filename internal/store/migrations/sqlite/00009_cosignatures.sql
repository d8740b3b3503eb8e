-- The newest checkpoint of each log that a witness cosigned, with the line of its signature. It says at once what size the
-- witness has.
-- +goose Up
CREATE TABLE log_cosignatures (
    workspace_id BLOB    NOT NULL,
    witness      TEXT    NOT NULL,
    size         INTEGER NOT NULL,
    checkpoint   TEXT    NOT NULL,
    line         TEXT    NOT NULL,
    PRIMARY KEY (workspace_id, witness)
) STRICT;
