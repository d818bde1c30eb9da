-- Tries of the canary: fixed cases that the live model is asked again and again.
-- Twin: ../sqlite/ with the same name.

CREATE TABLE canary_tries (
    workflow    TEXT NOT NULL,
    seq         BIGINT NOT NULL CHECK (seq >= 1),
    state       TEXT NOT NULL CHECK (state = 'running' OR state = 'passed' OR state = 'failed' OR state = 'unanswered'),
    ended_at    BIGINT,
    misses      TEXT NOT NULL,
    cost_micros BIGINT CHECK (cost_micros >= 0),
    revision    BIGINT NOT NULL CHECK (revision >= 0),
    release_id  UUID NOT NULL REFERENCES releases (id),
    cases       BIGINT NOT NULL CHECK (cases >= 1),
    started_at  BIGINT NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'running') = (ended_at IS NULL))
);
