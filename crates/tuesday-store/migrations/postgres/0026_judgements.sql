-- What the gate said about releases that were live already: evidence and verdict under one hash, never
-- changed. The gate that a release went live on stays in release_gates.
-- Twin: ../sqlite/ with the same name.

CREATE TABLE judgements (
    release_id  UUID NOT NULL REFERENCES releases (id),
    number      BIGINT NOT NULL CHECK (number >= 1),
    at          BIGINT NOT NULL,
    judged_by   TEXT NOT NULL,
    judged      BYTEA NOT NULL,
    judged_hash BYTEA NOT NULL CHECK (octet_length(judged_hash) = 32),
    PRIMARY KEY (release_id, number)
);
