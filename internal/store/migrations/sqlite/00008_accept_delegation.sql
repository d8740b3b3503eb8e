-- Whether what the issuer of a trust says of who acts and who may counts.
-- +goose Up
ALTER TABLE trusts ADD COLUMN accept_delegation INTEGER NOT NULL DEFAULT 0 CHECK (accept_delegation IN (0, 1));
