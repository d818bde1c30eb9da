-- What the gate said about releases that were live already: evidence and verdict under one hash, never
-- changed. The gate that a release went live on stays in release_gates.
-- Twin: ../postgres/ with the same name.

CREATE TABLE judgements (
    release_id  BLOB NOT NULL CHECK (length(release_id) = 16) REFERENCES releases (id),
    number      INTEGER NOT NULL CHECK (number >= 1),
    at          INTEGER NOT NULL,
    judged_by   TEXT NOT NULL,
    judged      BLOB NOT NULL,
    judged_hash BLOB NOT NULL CHECK (length(judged_hash) = 32),
    PRIMARY KEY (release_id, number)
) STRICT;
