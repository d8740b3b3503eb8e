-- Which manifest applied a trust, and its name there: at most one trust of a workspace has it.
-- +goose Up
ALTER TABLE trusts ADD COLUMN managed_by TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX trusts_by_manager ON trusts (workspace_id, managed_by) WHERE managed_by <> '';
