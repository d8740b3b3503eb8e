-- Requests for tokens that were refused, for as long as somebody may ask why: bounded, and no part of the record.
-- +goose Up
CREATE TABLE refusals (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    verified bigint NOT NULL CHECK (verified IN (0, 1)),
    id bytea NOT NULL,
    time bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, verified, id)
);
CREATE INDEX refusals_by_time ON refusals (time);
