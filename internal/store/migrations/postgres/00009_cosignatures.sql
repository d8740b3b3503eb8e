-- The newest checkpoint of each log that a witness cosigned, with the line of its signature. It says at once what size the
-- witness has.
-- +goose Up
CREATE TABLE log_cosignatures (
    workspace_id bytea NOT NULL,
    witness text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    checkpoint text COLLATE "C" NOT NULL,
    line text COLLATE "C" NOT NULL,
    PRIMARY KEY (workspace_id, witness)
);
