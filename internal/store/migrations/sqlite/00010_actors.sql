-- From when on events have links by which those are found who act in their tokens: 0 where all of them have, else the
-- moment when an earlier release, which wrote none, was replaced.
-- +goose Up
ALTER TABLE installation ADD COLUMN actors_since INTEGER NOT NULL DEFAULT 0;
UPDATE installation SET actors_since = unixepoch() * 1000000;
