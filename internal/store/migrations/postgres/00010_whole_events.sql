-- From when on events say all that cut-offs count tokens by: links from those who act in them, and the key that signs. 0 is
-- from the first on, else it is the moment when an earlier release, which wrote neither, was replaced.
-- +goose Up
ALTER TABLE installation ADD COLUMN whole_since bigint NOT NULL DEFAULT 0;
UPDATE installation SET whole_since = floor(extract(epoch FROM now()))::bigint * 1000000;
