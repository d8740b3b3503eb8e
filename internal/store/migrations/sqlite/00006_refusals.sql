-- Requests for tokens that were refused, for as long as somebody may ask why: bounded, and no part of the record.
-- +goose Up
CREATE TABLE refusals (
    workspace_id TEXT    NOT NULL REFERENCES workspaces (id),
    verified     INTEGER NOT NULL CHECK (verified IN (0, 1)),
    id           BLOB    NOT NULL,
    time         INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (workspace_id, verified, id)
) STRICT;
CREATE INDEX refusals_by_time ON refusals (time);
