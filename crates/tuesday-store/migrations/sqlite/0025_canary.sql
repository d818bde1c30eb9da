-- Tries of the canary: fixed cases that the live model is asked again and again.
-- Twin: ../postgres/ with the same name.

CREATE TABLE canary_tries (
    workflow    TEXT NOT NULL,
    seq         INTEGER NOT NULL CHECK (seq >= 1),
    state       TEXT NOT NULL CHECK (state = 'running' OR state = 'passed' OR state = 'failed' OR state = 'unanswered'),
    ended_at    INTEGER,
    misses      TEXT NOT NULL,
    cost_micros INTEGER CHECK (cost_micros >= 0),
    revision    INTEGER NOT NULL CHECK (revision >= 0),
    release_id  BLOB NOT NULL CHECK (length(release_id) = 16) REFERENCES releases (id),
    cases       INTEGER NOT NULL CHECK (cases >= 1),
    started_at  INTEGER NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'running') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
